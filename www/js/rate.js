// Rate and time left of a job, from its totals as they were polled. Pure; the clock is an argument.
const windowMs = 30000;

export function makeRates() {
	const samples = new Map(); // id -> [{at, done}]
	return {
		note(id, done, at) {
			const list = samples.get(id) ?? [];
			const last = list[list.length - 1];
			// Totals that fall start anew: another pass has begun.
			if (last && done < last.done) list.length = 0;
			if (!last || last.at !== at) list.push({ at, done });
			while (list.length > 2 && list[0].at < at - windowMs) list.shift();
			samples.set(id, list);
		},
		forget(id) {
			samples.delete(id);
		},
		// Per second over the last half minute; null until two samples tell.
		rate(id) {
			const list = samples.get(id) ?? [];
			const first = list[0], last = list[list.length - 1];
			if (list.length < 2 || last.at === first.at) return null;
			return ((last.done - first.done) * 1000) / (last.at - first.at);
		},
		eta(id, total) {
			const r = this.rate(id), list = samples.get(id);
			if (!r || !(total > 0)) return null;
			return Math.max(0, (total - list[list.length - 1].done) / r);
		},
	};
}
