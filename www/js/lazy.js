// A view whose module is fetched when it is first looked at: the first view stays small.
import { html, useEffect, useState } from './html.js';
import { needWords, t } from './i18n.js';
import { Notice } from './notice.js';

// load: () => import(…); name: what the module exports; words: the screens of words/ that it speaks. Answers a component.
export function lazy(load, name, words = []) {
	let View = null;
	return function Lazy(props) {
		const [state, setState] = useState({ View, failed: false });
		useEffect(() => {
			if (View) return;
			Promise.all([load(), needWords(words)]).then(([module]) => {
				View = module[name];
				setState({ View, failed: false });
			}, (error) => {
				console.error(error);
				setState({ View: null, failed: true });
			});
		}, []);
		if (state.View) return html`<${state.View} ...${props} />`;
		// A browser does not ask again for a module that it could not get.
		if (state.failed) return html`<${Notice} kind="bad"><p class="notice-head">${t('lazy.failed')}</p>
			<p><button type="button" class="button" onClick=${() => location.reload()}>${t('reload')}</button></p><//>`;
		return html`<p class="muted" role="status">${t('loading')}</p>`;
	};
}
