// The plot of the speed.
export const words = {
	'plot.title': 'Throughput',
	'plot.time': 'Time',
	'plot.bytes': 'Bytes/s',
	'plot.messages': 'Messages/s',
	'plot.now': 'Throughput since this page was opened: now {size} and {n} messages a second',
};
