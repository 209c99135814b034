// How many files are on their way: known to the navigation without the code that sends them.
import { cell } from './cell.js';

export const uploadsUnderWay = cell(0);
