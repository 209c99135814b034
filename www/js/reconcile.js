// Of two lists, the new one with the old objects where nothing changed: rows that stand still are not redrawn.
export function reconcile(before, after) {
	if (!Array.isArray(before) || !Array.isArray(after)) return after;
	const old = new Map(before.map((item) => [item.id ?? item.mailbox_id, item]));
	let same = before.length === after.length;
	const merged = after.map((item, i) => {
		const was = old.get(item.id ?? item.mailbox_id);
		const keep = was !== undefined && JSON.stringify(was) === JSON.stringify(item) ? was : item;
		if (keep !== before[i]) same = false;
		return keep;
	});
	return same ? before : merged;
}
