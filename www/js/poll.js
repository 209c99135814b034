// Data that keeps itself fresh. Polls while the page is seen, rests while it is hidden, backs off
// while the service is away and asks at once when it is back.
import { useCallback, useEffect, useRef, useState } from './html.js';
import { Problem, connection } from './api.js';

// load: an async function that returns the data (called again when `key` changes). interval: milliseconds, or
// a function of the data. Answers {data, problem, reload}; data stays while a later poll fails.
export function usePoll(load, key, interval) {
	const [state, setState] = useState({ data: undefined, problem: null });
	const latest = useRef(null);
	latest.current = { load, interval };
	const kick = useRef(() => {});
	useEffect(() => {
		let timer = 0, failures = 0, stopped = false, running = null, data;
		const plan = () => {
			clearTimeout(timer);
			if (stopped || document.hidden) return;
			const every = typeof latest.current.interval === 'function' ? latest.current.interval(data) : latest.current.interval;
			timer = setTimeout(tick, Math.min(every * 2 ** failures, 30000));
		};
		const tick = () => {
			clearTimeout(timer);
			running ??= latest.current.load(data).then((next) => {
				failures = 0;
				if (stopped) return;
				data = next;
				setState((s) => (s.data === next && !s.problem ? s : { data: next, problem: null }));
			}, (problem) => {
				if (!(problem instanceof Problem)) console.error(problem);
				failures = Math.min(failures + 1, 5);
				if (!stopped) setState((s) => ({ data: s.data, problem }));
			}).finally(() => {
				running = null;
				plan();
			});
			return running;
		};
		// After a change: what is on its way may be older than the change, so ask once more after it.
		kick.current = async () => {
			if (running) await running;
			return tick();
		};
		setState({ data: undefined, problem: null });
		tick();
		const seen = () => (document.hidden ? clearTimeout(timer) : tick());
		document.addEventListener('visibilitychange', seen);
		const unwatch = connection.watch((c) => c === 'up' && failures && tick());
		return () => {
			stopped = true;
			clearTimeout(timer);
			document.removeEventListener('visibilitychange', seen);
			unwatch();
		};
	}, [key]);
	return { ...state, reload: useCallback(() => kick.current(), []) };
}
