namespace FleetMdm.Api.Limits;

/// <summary>Section <c>Limits</c>: how much this node takes on at once. What is over a limit is answered 503 with Retry-After, and
/// nothing is lost: iPads come again by themselves.</summary>
public sealed class LimitsOptions
{
    public const string Section = "Limits";

    /// <summary>How many messages of iPads are worked on at once. Most wait for the database's next group commit, so it is far
    /// above the number of cores; while the cores are what is waited for, it is 256 for each of them, if that is less.</summary>
    public int DeviceConcurrency { get; set; } = 1024;

    /// <summary>How many messages of iPads wait for their turn beyond those, the newest first; some 10 KB each.</summary>
    public int DeviceQueue { get; set; } = 16384;

    /// <summary>The longest that a message of an iPad waits for its turn, in milliseconds; each waits for half of that at least. An iPad gives up after a minute.</summary>
    public int DeviceQueueMilliseconds { get; set; } = 20_000;

    /// <summary>How many messages of iPads with more than 64 KiB are received and worked on at once; as many more wait. They come in
    /// as fast as the iPad's network lets them, and take no place from the small ones.</summary>
    public int LargeDeviceConcurrency { get; set; } = 64;

    /// <summary>How many SCEP requests are worked on at once. Each costs as much CPU as a hundred polls, and anybody may send one; a few keep every core
    /// busy, and leave the cores to polls in between.</summary>
    public int ScepConcurrency { get; set; } = 16;

    /// <summary>How many other requests of people and iPads that enrol (pages, profiles, certificates of the CA) are worked on at once.</summary>
    public int EnrolmentConcurrency { get; set; } = 32;

    /// <summary>How many of either kind wait for their turn beyond those, as long as messages of iPads do.</summary>
    public int EnrolmentQueue { get; set; } = 1024;

    /// <summary>How long the body of a request may take to arrive, whole, in seconds: 10 to 3600. After that it is answered 408.</summary>
    public int BodySeconds { get; set; } = 180;

    /// <summary>How many requests of administrators are worked on at once.</summary>
    public int AdminConcurrency { get; set; } = 64;

    /// <summary>How many requests of administrators wait for their turn beyond those.</summary>
    public int AdminQueue { get; set; } = 128;

    /// <summary>How many connections a listener holds open at once, 100 to 1,000,000; one more is closed as soon as it comes. Most of them
    /// are idle. Never more than the operating system lets the process open files, less a reserve for the database and APNs.</summary>
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>How many TLS handshakes of a listener are under way at once, 1 to 100,000; further connections wait for up to three quarters of a minute, the newest
    /// first. Enough to keep the cores busy while iPads on slow networks are waited for.</summary>
    public int TlsHandshakes { get; set; } = 256;

    /// <summary>How many event streams (an operation's progress) may be open at once; one token has an eighth of them at most.</summary>
    public int AdminStreams { get; set; } = 256;

    /// <summary>The longest that an administrator's request waits for its turn, in milliseconds.</summary>
    public int QueueMilliseconds { get; set; } = 3000;

    /// <summary>The largest body of an administrator's ordinary request, in bytes.</summary>
    public int AdminBodyBytes { get; set; } = 64 * 1024;

    /// <summary>The largest body of a request that queues one command, in bytes: a profile with certificates and a picture fits.</summary>
    public int CommandBodyBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>The largest body of a request that starts an operation, in bytes: a command, and the ids of many iPads.</summary>
    public int OperationBodyBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        OutOf(nameof(DeviceConcurrency), DeviceConcurrency, 1, 100_000)
        ?? OutOf(nameof(DeviceQueue), DeviceQueue, 0, 1_000_000)
        ?? OutOf(nameof(DeviceQueueMilliseconds), DeviceQueueMilliseconds, 1, 60_000)
        ?? OutOf(nameof(LargeDeviceConcurrency), LargeDeviceConcurrency, 1, 10_000)
        ?? OutOf(nameof(ScepConcurrency), ScepConcurrency, 1, 10_000)
        ?? OutOf(nameof(EnrolmentConcurrency), EnrolmentConcurrency, 1, 10_000)
        ?? OutOf(nameof(EnrolmentQueue), EnrolmentQueue, 0, 100_000)
        ?? OutOf(nameof(BodySeconds), BodySeconds, 10, 3600)
        ?? OutOf(nameof(AdminConcurrency), AdminConcurrency, 1, 10_000)
        ?? OutOf(nameof(AdminQueue), AdminQueue, 0, 100_000)
        ?? OutOf(nameof(MaxConnections), MaxConnections, 100, 1_000_000)
        ?? OutOf(nameof(TlsHandshakes), TlsHandshakes, 1, 100_000)
        ?? OutOf(nameof(AdminStreams), AdminStreams, 1, 10_000)
        ?? OutOf(nameof(QueueMilliseconds), QueueMilliseconds, 1, 60_000)
        ?? OutOf(nameof(AdminBodyBytes), AdminBodyBytes, 4 * 1024, 16 * 1024 * 1024)
        ?? OutOf(nameof(CommandBodyBytes), CommandBodyBytes, 16 * 1024, 64 * 1024 * 1024)
        ?? OutOf(nameof(OperationBodyBytes), OperationBodyBytes, 16 * 1024, 128 * 1024 * 1024);

    private static string? OutOf(string name, int value, int least, int most) =>
        value < least || value > most ? $"Limits:{name} must be {least} to {most}, but is {value}." : null;
}
