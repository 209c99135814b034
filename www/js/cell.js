// A cell: a value that can be watched. The few things that the whole page shares (who is signed in,
// the language, whether the service answers) are cells.
export function cell(value) {
	const watchers = new Set();
	return {
		get: () => value,
		set(next) {
			if (Object.is(next, value)) return;
			value = next;
			for (const fn of [...watchers]) fn(value);
		},
		watch(fn) {
			watchers.add(fn);
			return () => watchers.delete(fn);
		},
	};
}
