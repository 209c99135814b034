// What the page has seen of the speed of each migration, for its plot. Pure but for its memory.
const most = 1800; // an hour at a look every two seconds

const seen = new Map(); // job -> {samples, done, at}

// bytesPerSecond: of all runs together. messagesDone: a total; it falls when another pass begins.
export function noteThroughput(job, { bytesPerSecond, messagesDone, moving }, at) {
	const before = seen.get(job) ?? { samples: [], done: null, at: 0 };
	if (!moving && before.samples.length === 0) return;
	if (at - before.at < 900) return;
	const last = before.samples[before.samples.length - 1];
	const messages = before.done === null || messagesDone < before.done ? null : ((messagesDone - before.done) * 1000) / (at - before.at);
	before.done = messagesDone;
	before.at = at;
	seen.set(job, before);
	// It stands still: one nought, then nothing until it moves again.
	if (!moving && last && last.bytes === 0) return;
	before.samples.push({ at, bytes: moving ? bytesPerSecond : 0, messages: moving ? messages : 0 });
	if (before.samples.length > most) before.samples.shift();
}

export const samplesOf = (job) => seen.get(job)?.samples ?? [];
