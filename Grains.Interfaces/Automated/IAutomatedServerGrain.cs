using Orleans.Concurrency;

namespace FleetMdm.Grains.Interfaces;

/// <summary>One device management service of Apple School Manager (key: our id of it). It alone talks to Apple for it.</summary>
[Alias("fleetmdm.automated-server")]
public interface IAutomatedServerGrain : IGrainWithStringKey
{
    /// <summary>Looks whether something is due, and does it in the background.</summary>
    [Alias("Wake"), AlwaysInterleave]
    Task Wake();

    /// <summary>Asks Apple now, in the background.</summary>
    /// <param name="all">For the whole list, and not for what is new.</param>
    /// <returns>False: it is being asked at this moment.</returns>
    [Alias("SyncNow"), AlwaysInterleave]
    Task<bool> SyncNow(bool all);

    /// <summary>Checks a server token and uses it from then on; what stood in the way is over.</summary>
    /// <remarks>It waits for several answers of Apple's. The others do not wait for it.</remarks>
    [Alias("TakeToken"), ResponseTimeout("00:05:00")]
    Task<AutomatedTokenTaken> TakeToken(AutomatedTokenUpload upload);

    [Alias("Describe"), AlwaysInterleave]
    Task<AutomatedServerLive> Describe();
}

/// <param name="File">As Apple School Manager gives it.</param>
/// <param name="By">Who uploads it.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.automated-token-upload")]
public sealed record AutomatedTokenUpload([property: Id(0)] byte[] File, [property: Id(1)] string By)
{
    /// <summary>Without the file.</summary>
    public override string ToString() => $"AutomatedTokenUpload {{ By = {By} }}";
}

/// <param name="Problem">A sentence for people; null: it is used from now on.</param>
/// <param name="ProblemCode">A stable name of what is wrong, as in <c>OtherKey</c>.</param>
/// <param name="Unavailable">Apple could not be asked; nothing was changed.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.automated-token-taken")]
public sealed record AutomatedTokenTaken([property: Id(0)] string? Problem, [property: Id(1)] string? ProblemCode, [property: Id(2)] bool Unavailable)
{
    /// <summary>What Apple says of it, that does not stop anybody: as of terms that are to be accepted.</summary>
    [Id(3)] public string? Note { get; init; }
}

/// <param name="Working">Apple is being asked at this moment.</param>
/// <param name="CheckedAt">When Apple was last asked with success, by this activation.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.automated-server-live")]
public sealed record AutomatedServerLive([property: Id(0)] bool Working, [property: Id(1)] DateTimeOffset? CheckedAt);
