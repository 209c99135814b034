// A component that reads a cell is drawn again when it changes.
import { useLayoutEffect, useState } from './html.js';

export function useCell(c) {
	const [drawn, draw] = useState({ value: c.get() });
	useLayoutEffect(() => {
		// It may have changed between drawing and watching.
		if (!Object.is(c.get(), drawn.value)) draw({ value: c.get() });
		return c.watch((value) => draw({ value }));
	}, [c]);
	return c.get();
}
