namespace FleetMdm.Storage.Webhooks;

/// <summary>Section <c>Webhooks</c>: how programs elsewhere are told what happens.</summary>
public sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    private const int MostDays = 365;
    private const int MostEvents = 10_000_000;

    /// <summary>Whether webhooks may go to private addresses and to this machine (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7, loopback). Addresses that
    /// clouds use for themselves (link-local, metadata) are never allowed.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>Whether webhooks may use http without TLS; only to private addresses and this machine, and only where these are allowed.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>How many seconds a receiver has to answer; 1 to 120.</summary>
    public int TimeoutSeconds { get; set; } = 15;

    /// <summary>How many requests one webhook has under way at once; 1 to 64.</summary>
    public int Concurrency { get; set; } = 8;

    /// <summary>How many events may wait for one webhook; 100 to 10000000. The oldest beyond it are given up.</summary>
    public int MostWaiting { get; set; } = 100_000;

    /// <summary>How many events that were given up are kept for one webhook; 0 to 10000000. The oldest beyond it are forgotten, and counted.</summary>
    public int MostDead { get; set; } = 10_000;

    /// <summary>How many days delivered events stay in the list; 1 to 365.</summary>
    public int DeliveredDays { get; set; } = 2;

    /// <summary>How many days events that were given up stay in the list; 1 to 365.</summary>
    public int DeadDays { get; set; } = 30;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        Fault(nameof(TimeoutSeconds), TimeoutSeconds, 1, 120) ?? Fault(nameof(Concurrency), Concurrency, 1, 64) ?? Fault(nameof(MostWaiting), MostWaiting, 100, MostEvents)
        ?? Fault(nameof(MostDead), MostDead, 0, MostEvents) ?? Fault(nameof(DeliveredDays), DeliveredDays, 1, MostDays) ?? Fault(nameof(DeadDays), DeadDays, 1, MostDays)
        ?? (AllowHttp && !AllowPrivateAddresses ? "Webhooks:AllowHttp is for private addresses only: set Webhooks:AllowPrivateAddresses to true too, or leave it out." : null);

    private static string? Fault(string name, int value, int least, int most) =>
        value >= least && value <= most ? null : $"Webhooks:{name} must be {least} to {most}, but is {value}.";
}
