// What a button does: busy while it lasts, its problem to setProblem, then everything read anew, also after a failure.
import { useState } from './html.js';

export function useAct(setProblem, reload) {
	const [busy, setBusy] = useState(false);
	const act = async (fn) => {
		setBusy(true);
		setProblem(null);
		try {
			await fn();
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
		reload();
	};
	return [busy, act];
}
