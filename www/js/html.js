// The rendering library, in one place: templates with htm, components with preact. Text is always
// escaped; nothing in this page ever sets innerHTML.
import { h, render, Component, Fragment } from '../vendor/preact.js';
import { useLayoutEffect, useState } from '../vendor/hooks.js';
import htm from '../vendor/htm.js';

export { h, render, Component, Fragment, useLayoutEffect, useState };
export { useEffect, useMemo, useRef, useCallback, useId } from '../vendor/hooks.js';
export const html = htm.bind(h);

// A component that reads a cell is drawn again when it changes.
export function useCell(c) {
	const [drawn, draw] = useState({ value: c.get() });
	useLayoutEffect(() => {
		// It may have changed between drawing and watching.
		if (!Object.is(c.get(), drawn.value)) draw({ value: c.get() });
		return c.watch((value) => draw({ value }));
	}, [c]);
	return c.get();
}
