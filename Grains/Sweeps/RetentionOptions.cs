namespace FleetMdm.Grains.Sweeps;

/// <summary>Section <c>Retention</c>.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    private const int MostDays = 36_500;

    /// <summary>How many days finished commands and their reports are kept; 0 keeps them for ever.</summary>
    public int HistoryDays { get; set; } = 90;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() => HistoryDays is >= 0 and <= MostDays
        ? null
        : $"Retention:HistoryDays must be between 0 (for ever) and {MostDays}, not {HistoryDays}.";
}
