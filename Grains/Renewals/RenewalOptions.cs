namespace FleetMdm.Grains.Renewals;

/// <summary>Section <c>Renewal</c>: when iPads get a new identity certificate.</summary>
public sealed class RenewalOptions
{
    public const string Section = "Renewal";

    private const int MostDays = 1000;
    private const int MostPerHour = 1_000_000;

    /// <summary>How many days before its end a certificate is renewed; 1 to 1000. It is never begun before two thirds of the certificate's life are
    /// over. The default leaves a long summer, in which iPads lie in cupboards, and time for a person to look after those that fail.</summary>
    public int DaysBefore { get; set; } = 120;

    /// <summary>Over how many days the renewals of certificates that end on one day are spread, by the iPad's id; 0 to 1000. At most half of the time
    /// that is left.</summary>
    public int SpreadDays { get; set; } = 30;

    /// <summary>How many renewals are started in an hour at most; 1 to 1000000. iPads that are away do not count against the others.</summary>
    public int PerHour { get; set; } = 1000;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        DaysBefore is < 1 or > MostDays ? $"Renewal:DaysBefore must be 1 to {MostDays}, but is {DaysBefore}."
        : SpreadDays is < 0 or > MostDays ? $"Renewal:SpreadDays must be 0 to {MostDays}, but is {SpreadDays}."
        : PerHour is < 1 or > MostPerHour ? $"Renewal:PerHour must be 1 to {MostPerHour}, but is {PerHour}."
        : null;
}
