// Weights of an objective on a slider of powers of ten.

const short = (value) => Number(value.toPrecision(3));

// The weight at a place, and the other way round. Where `lowest` is given, the lowest place stands for 0.
export const weightAt = (place, lowest = -Infinity) => (place <= lowest ? 0 : short(10 ** place));
export const placeOf = (weight, lowest = -Infinity) => (weight > 0 ? Math.max(lowest, Math.log10(weight)) : lowest);
