namespace FleetMdm.Grains.Sweeps;

/// <summary>Section <c>Retention</c>.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    private const int MostDays = 36_500;

    /// <summary>How many days finished commands and their reports are kept, and what an iPad that left had on it; 0 keeps them for ever.</summary>
    public int HistoryDays { get; set; } = 90;

    /// <summary>How many days audit records are kept; 0 keeps them for ever.</summary>
    public int AuditDays { get; set; } = 730;

    /// <summary>How many days the escrowed tokens (unlock, bootstrap) of an iPad that left, was erased or was removed are kept; 0 keeps them for ever.</summary>
    public int EscrowDays { get; set; } = 30;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        Fault(nameof(HistoryDays), HistoryDays) ?? Fault(nameof(AuditDays), AuditDays) ?? Fault(nameof(EscrowDays), EscrowDays);

    private static string? Fault(string name, int days) => days is >= 0 and <= MostDays
        ? null
        : $"Retention:{name} must be between 0 (for ever) and {MostDays}, not {days}.";
}
