// A long list whose items change all at once is taken over a few at a frame, those in sight first: the page stays
// usable while five hundred mailboxes report. Another order, or other members, show at once.
import { useEffect, useRef, useState } from './html.js';

const size = 8;

// items: {id, …}; first(): the index of the item at the top of the window. Answers the list to draw.
export function useGradual(items, first) {
	const [drawn, draw] = useState(items);
	const now = useRef(items);
	const same = now.current.length === items.length && now.current.every((item, i) => item.id === items[i].id);
	if (!same) now.current = items;
	useEffect(() => {
		if (now.current === items) return;
		let frame = 0, left = items.length, at = Math.max(0, Math.min(first(), items.length - 1));
		const step = () => {
			const next = now.current.slice();
			for (let changed = 0; left > 0 && changed < size; left--, at = (at + 1) % items.length)
				if (next[at] !== items[at]) {
					next[at] = items[at];
					changed++;
				}
			now.current = left > 0 ? next : items;
			draw(now.current);
			if (left > 0) frame = requestAnimationFrame(step);
		};
		frame = requestAnimationFrame(step);
		return () => cancelAnimationFrame(frame);
	}, [items]);
	return same ? now.current : items;
}

// The index of the row that stands at the top of the window, for rows of about the same height.
export function firstInSight(body) {
	if (!body?.rows.length) return 0;
	const box = body.getBoundingClientRect();
	return Math.floor(Math.max(0, -box.top) / (box.height / body.rows.length));
}
