namespace FleetMdm.Storage.GroupCommit;

/// <summary>What a lane bounds. Tests make the waits shorter.</summary>
internal sealed record LaneLimits
{
    public static readonly LaneLimits Default = new();

    /// <summary>Items that wait at most. Eight full batches: enough to fill the next batch, few enough to be through in a second.</summary>
    public int Capacity { get; init; } = 8 * Batch.MaxItems;

    /// <summary>How long one batch is repeated. A restarted PostgreSQL is back within this time as a rule.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long an item waits for its turn. Longer than <see cref="RetryFor"/>, shorter than an iPad's and a grain call's patience.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stop lets accepted items run on.</summary>
    public TimeSpan DrainFor { get; init; } = TimeSpan.FromSeconds(15);
}
