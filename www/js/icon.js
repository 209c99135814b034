// Line icons, drawn here: 20 by 20, in the colour of the text beside them.
import { html } from './html.js';

const paths = {
	check: 'M4 10.5l4 4 8-9',
	cross: 'M5 5l10 10M15 5L5 15',
	alert: 'M10 3l8 14H2zM10 8v4M10 14.4v.2',
	block: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM4.8 4.8l10.4 10.4',
	info: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 9v5M10 6.4v.2',
	plus: 'M10 4v12M4 10h12',
	back: 'M12 4l-6 6 6 6',
	next: 'M8 4l6 6-6 6',
	down: 'M4 7.5l6 6 6-6',
	arrow: 'M3 10h13M11 5l5 5-5 5',
	play: 'M6 4l10 6-10 6z',
	stop: 'M5 5h10v10H5z',
	redo: 'M15.5 7A6.5 6.5 0 1 0 16.5 11M16 3v4.5h-4.5',
	search: 'M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4.5 4.5',
	shield: 'M10 2.5l6.5 2.2v5c0 4-2.8 6.6-6.5 8-3.7-1.4-6.5-4-6.5-8v-5zM7 10l2.2 2.2L13 8.2',
	clock: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 6v4.3l3 1.8',
	mail: 'M2.5 5h15v10.5h-15zM2.5 5.5L10 11l7.5-5.5',
	user: 'M10 3a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM3.5 17c.6-3.3 3-5 6.5-5s5.9 1.7 6.5 5',
	file: 'M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15',
	edit: 'M4 16l.7-3.2L13.5 4 16 6.5l-8.8 8.8z',
};

export function Icon({ name }) {
	return html`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false"><path
		d=${paths[name]} fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" /></svg>`;
}

// The mark of the product: drawn here as well as in favicon.svg, as an image would be one more document to load.
export function Mark({ size }) {
	const line = { fill: 'none', stroke: '#fff', 'stroke-width': 2, 'stroke-linejoin': 'round' };
	return html`<svg class="mark" viewBox="0 0 32 32" width=${size} height=${size} aria-hidden="true" focusable="false">
		<rect width="32" height="32" rx="7" fill="#1f5fbf" /><path d="M6.5 10.5h13v10h-13zM6.5 11l6.5 5 6.5-5" ...${line} />
		<path d="M21 15.5h6M24.5 12.5l3 3-3 3" stroke-linecap="round" ...${line} /></svg>`;
}
