// Whoever works with the keyboard never loses the place. A control that is disabled for a moment gets the focus back;
// when it is gone (a step that was taken, a dialog that was closed), what stood around it gets the focus, so that the
// next Tab goes on from there.
const homes = 'dialog, form, fieldset, section, nav, .actions, .toolbar, .card, main';
let last = null, around = [];

function note(e) {
	last = e.target;
	around = [];
	for (let node = last.parentElement; node; node = node.parentElement) if (node.matches(homes)) around.push(node);
}

function look() {
	if (!last || (document.activeElement && document.activeElement !== document.body)) return;
	if (last.isConnected) {
		if (!last.disabled) last.focus({ preventScroll: true });
		return;
	}
	const home = around.find((node) => node.isConnected) ?? document.getElementById('main');
	if (!home) return;
	if (!home.hasAttribute('tabindex')) home.tabIndex = -1;
	home.focus({ preventScroll: true });
}

export function keepFocus(root) {
	document.addEventListener('focusin', note);
	// A click beside everything takes the focus away on purpose.
	document.addEventListener('pointerdown', () => (last = null), true);
	new MutationObserver(look).observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
}
