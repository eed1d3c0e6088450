//! Medians, percentiles and ratios of the rounds of a measurement.

/// Returns the value below which `percent` of the sorted values lie; 0 for none.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(last * percent / 100)
        .copied()
        .unwrap_or_default()
}

/// Returns the values in rising order.
pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Returns the median; 0 for no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(&sorted(values.to_vec()), 50)
}

/// Formats the median of the ratios of two figures of the same rounds, with the least and the
/// greatest.
pub(crate) fn ratio(figures: &[f64], yardstick: &[f64]) -> String {
    let ratios = figures.iter().zip(yardstick).map(|(it, other)| it / other);
    let ratios = sorted(ratios.collect());
    let (Some(least), Some(greatest)) = (ratios.first(), ratios.last()) else {
        return "-".to_owned();
    };
    format!("{:.2} ({least:.2}-{greatest:.2})", percentile(&ratios, 50))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_sorted_values() {
        let values = sorted(vec![3.0, 1.0, 2.0, 5.0, 4.0]);
        assert!((percentile(&values, 50) - 3.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 99) - 4.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 100) - 5.0).abs() < f64::EPSILON);
        assert!(percentile(&[], 50).abs() < f64::EPSILON);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        assert_eq!(
            ratio(&[2.0, 9.0, 4.0], &[1.0, 3.0, 4.0]),
            "2.00 (1.00-3.00)"
        );
        assert_eq!(ratio(&[], &[]), "-");
    }
}
