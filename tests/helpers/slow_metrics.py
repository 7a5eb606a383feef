"""Slow and obvious statements of the measures in egokd.evaluation: loops over segments and classes, no shared code.

Probabilities are lists of lists (one row per segment), labels a list of classes.
"""

import math
from fractions import Fraction


def softmax(logits):
    highest = max(logits)
    shifted = [math.exp(value - highest) for value in logits]
    return [value / math.fsum(shifted) for value in shifted]


def predicted(row):
    return max(range(len(row)), key=lambda number: row[number])


def is_right(row, label):
    """Ties count as wrong."""
    return all(value < row[label] for number, value in enumerate(row) if number != label)


def bin_of(value, bins):
    """The bin b, from 0, with b / bins < value <= (b + 1) / bins; 0 for 0."""
    return next(number for number in range(bins) if Fraction(value) * bins <= number + 1)


def calibration_error(confidence, correct, bins):
    total = 0.0
    for number in range(bins):
        mine = [place for place, value in enumerate(confidence) if bin_of(value, bins) == number]
        if mine:
            accuracy = sum(correct[place] for place in mine) / len(mine)
            mean = math.fsum(confidence[place] for place in mine) / len(mine)
            total += len(mine) / len(confidence) * abs(accuracy - mean)
    return total


def classwise_error(probabilities, labels, bins):
    classes = range(len(probabilities[0]))
    each = [
        calibration_error([row[number] for row in probabilities], [label == number for label in labels], bins)
        for number in classes
    ]
    return math.fsum(each) / len(each)


def averaged_over_ties(confidence, values):
    """Pairs of confidence and value, most confident first, values averaged among equal confidences."""
    groups = {}
    for place, value in enumerate(confidence):
        groups.setdefault(value, []).append(values[place])
    return [
        (value, math.fsum(group) / len(group)) for value, group in sorted(groups.items(), reverse=True) for _ in group
    ]


def adaptive_error(confidence, correct, bins):
    pairs, total, begin = averaged_over_ties(confidence, correct), 0.0, 0
    for number in range(bins):
        size = len(pairs) // bins + (number < len(pairs) % bins)
        part = pairs[begin : begin + size]
        begin += size
        if part:
            gap = math.fsum(value for value, _ in part) / size - math.fsum(hit for _, hit in part) / size
            total += size / len(pairs) * abs(gap)
    return total


def brier(probabilities, labels):
    each = [
        math.fsum((value - (number == label)) ** 2 for number, value in enumerate(row))
        for row, label in zip(probabilities, labels, strict=True)
    ]
    return math.fsum(each) / len(each)


def brier_parts(probabilities, labels, bins):
    """Five terms of Stephenson et al. (2008) for every class: the two inside bins belong to the resolution."""
    count, found = len(labels), {"reliability": 0.0, "resolution": 0.0, "uncertainty": 0.0}
    for number in range(len(probabilities[0])):
        values, truth = [row[number] for row in probabilities], [float(label == number) for label in labels]
        share = math.fsum(truth) / count
        found["uncertainty"] += share * (1 - share)
        for place in range(bins):
            mine = [i for i, value in enumerate(values) if bin_of(value, bins) == place]
            if not mine:
                continue
            mean = math.fsum(values[i] for i in mine) / len(mine)
            hits = math.fsum(truth[i] for i in mine) / len(mine)
            variance = math.fsum((values[i] - mean) ** 2 for i in mine) / count
            covariance = math.fsum((values[i] - mean) * (truth[i] - hits) for i in mine) / count
            found["reliability"] += len(mine) / count * (mean - hits) ** 2
            found["resolution"] += len(mine) / count * (hits - share) ** 2 - variance + 2 * covariance
    return found


def area_under_risk(confidence, correct):
    wrong = averaged_over_ties(confidence, [1 - int(hit) for hit in correct])
    risks = [math.fsum(value for _, value in wrong[:end]) / end for end in range(1, len(wrong) + 1)]
    return math.fsum(risks) / len(risks)
