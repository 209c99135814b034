// The plot of the speed.
export const words = {
	'plot.title': 'Débito',
	'plot.time': 'Hora',
	'plot.bytes': 'Bytes/s',
	'plot.messages': 'Mensagens/s',
	'plot.now': 'Débito desde que esta página foi aberta: agora {size} e {n} mensagens por segundo',
};
