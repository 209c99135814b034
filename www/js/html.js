// The rendering library, in one place: templates with htm, components with preact. Text is always
// escaped; nothing in this page ever sets innerHTML.
import { h, render, Component, Fragment } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export { h, render, Component, Fragment };
export { useState, useEffect, useLayoutEffect, useMemo, useRef, useCallback, useId } from '../vendor/hooks.js';
export const html = htm.bind(h);
