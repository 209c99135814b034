// The verdict of a domain in one pill: colour, icon and words, so that no one of them carries it alone.
import { html } from './html.js';
import { word } from './i18n.js';
import { ratio as ratioText } from './format.js';
import { Icon } from './icon.js';

const looks = {
	blocked: ['bad', 'block'],
	warning: ['warn', 'alert'],
	ready_for_dns: ['good', 'check'],
	dns_applied: ['info', 'shield'],
};

export function GateBadge({ verdict, ratio = null, large = false }) {
	const [tone, icon] = looks[verdict] ?? ['bad', 'block'];
	return html`<span class=${'pill gate ' + tone + (large ? ' large' : '')} data-verdict=${verdict}>
		<${Icon} name=${icon} />${word('verdict', verdict)}${ratio !== null && html`<span class="pill-ratio">${ratioText(ratio)}</span>`}
	</span>`;
}
