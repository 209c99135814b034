// A component that reads a cell is drawn again when it changes.
import { useEffect, useState } from './html.js';

export function useCell(c) {
	const [, redraw] = useState(0);
	useEffect(() => c.watch(() => redraw((n) => n + 1)), [c]);
	return c.get();
}
