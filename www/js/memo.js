import { Component } from './html.js';
import { language } from './i18n.js';

// A component that is drawn again only when one of its properties is another object, or the language changes.
export function memo(view) {
	return class extends Component {
		shouldComponentUpdate(next) {
			if (this.language !== language.get()) return true;
			for (const name in next) if (next[name] !== this.props[name]) return true;
			for (const name in this.props) if (!(name in next)) return true;
			return false;
		}
		render(props) {
			this.language = language.get();
			return view(props);
		}
	};
}
