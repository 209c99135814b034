// How fast a migration moves, as a plot: bytes a second as the workers report them, messages a second from the totals.
// The service keeps totals, not their history, so the plot starts when this page first looked.
import { html, useCell, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { bytes, number } from './format.js';
import { locale } from './i18n.js';
import { theme } from './theme.js';
import { samplesOf } from './throughput-samples.js';

let loading = null;
function load() {
	loading ??= import('../vendor/uplot.js').then(({ default: Plot }) => new Promise((done, failed) => {
		const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'vendor/uplot.css' });
		sheet.onload = () => done(Plot);
		sheet.onerror = failed;
		document.head.append(sheet);
	}));
	loading.catch(() => (loading = null));
	return loading;
}

const height = 170;
const clock = (s) => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(s * 1000));

function optionsFor(element) {
	const style = getComputedStyle(element), colour = (name) => style.getPropertyValue(name).trim();
	const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, font: '12px ' + style.fontFamily };
	return { width: element.clientWidth, height, cursor: { y: false }, legend: { live: true },
		scales: { x: { time: true }, b: { range: (_, __, max) => [0, Math.max(max * 1.1, 1000)] }, m: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
		series: [{ label: t('plot.time'), value: (_, v) => (v === null ? '–' : clock(v)) },
			{ label: t('plot.bytes'), scale: 'b', stroke: colour('--accent'), fill: colour('--accent-soft'), width: 2, value: (_, v) => (v === null ? '–' : t('rate.bytes', { size: bytes(v) })) },
			{ label: t('plot.messages'), scale: 'm', stroke: colour('--good'), width: 2, dash: [6, 4], value: (_, v) => (v === null ? '–' : number(Math.round(v * 10) / 10)) }],
		axes: [{ ...axis, values: (_, values) => values.map(clock), space: 90 },
			{ ...axis, scale: 'b', size: 78, values: (_, values) => values.map((v) => bytes(v)) }, { ...axis, scale: 'm', side: 1, size: 50, grid: { show: false }, values: (_, values) => values.map((v) => number(v)) }] };
}

export function Throughput({ job }) {
	const box = useRef(null), plot = useRef(null);
	const [Plot, setPlot] = useState(null);
	const samples = samplesOf(job.id), look = useCell(theme), now = samples[samples.length - 1];
	useEffect(() => {
		load().then((P) => setPlot(() => P), () => {});
	}, []);
	const data = () => [samples.map((s) => s.at / 1000), samples.map((s) => s.bytes), samples.map((s) => s.messages)];
	useEffect(() => {
		if (!Plot || !box.current) return undefined;
		const dark = matchMedia('(prefers-color-scheme: dark)');
		const draw = () => {
			plot.current?.destroy();
			plot.current = new Plot(optionsFor(box.current), data(), box.current);
		};
		draw();
		const eye = new ResizeObserver(() => plot.current?.setSize({ width: box.current.clientWidth, height }));
		eye.observe(box.current);
		dark.addEventListener('change', draw);
		return () => {
			eye.disconnect();
			dark.removeEventListener('change', draw);
			plot.current?.destroy();
			plot.current = null;
		};
	}, [Plot, look, locale()]);
	useEffect(() => plot.current?.setData(data()), [samples.length, now?.at]);
	return html`<section class="card throughput" aria-labelledby="plot-head"><h2 id="plot-head">${t('plot.title')}</h2>
		<div class="plot" ref=${box} role="img" aria-label=${t('plot.now', { size: bytes(Math.round(now?.bytes ?? 0)), n: Math.round(now?.messages ?? 0) })}></div></section>`;
}
