namespace FleetMdm.Grains.Devices;

/// <summary>Section <c>Queue</c>.</summary>
public sealed class QueueOptions
{
    public const string Section = "Queue";

    /// <summary>How many commands may wait for one enrolment, 1 to 10,000. An operation is not bound by it.</summary>
    public int MaxPerDevice { get; set; } = 1_000;

    /// <summary>How long a renewed certificate's predecessor may still speak, in days, 0 to 90.</summary>
    public int ReplacedCertificateGraceDays { get; set; } = 7;

    /// <summary>Minutes until an iPad that answered NotNow, and will not come by itself, is woken; doubles with each NotNow up
    /// to an hour. 1 to 60.</summary>
    public int NotNowRetryMinutes { get; set; } = 5;

    internal string? FindFault()
    {
        if (MaxPerDevice is < 1 or > 10_000) return $"Queue:MaxPerDevice must be 1 to 10000, but is {MaxPerDevice}.";
        if (ReplacedCertificateGraceDays is < 0 or > 90)
            return $"Queue:ReplacedCertificateGraceDays must be 0 to 90, but is {ReplacedCertificateGraceDays}.";
        if (NotNowRetryMinutes is < 1 or > 60) return $"Queue:NotNowRetryMinutes must be 1 to 60, but is {NotNowRetryMinutes}.";
        return null;
    }
}
