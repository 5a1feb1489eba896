using Orleans.Concurrency;

namespace FleetMdm.Grains.Interfaces;

/// <summary>One location of Apps and Books (key: our id of it). It alone talks to Apple for it.</summary>
[Alias("fleetmdm.content-location")]
public interface IContentLocationGrain : IGrainWithStringKey
{
    /// <summary>Looks whether something is due, or assignments have changed, and does it in the background.</summary>
    [Alias("Wake"), AlwaysInterleave]
    Task Wake();

    /// <summary>Asks Apple now for all that the location owns, in the background.</summary>
    /// <returns>False: it is being asked at this moment, and is asked once more then.</returns>
    [Alias("SyncNow"), AlwaysInterleave]
    Task<bool> SyncNow();

    /// <summary>Checks a content token and uses it from then on: for a new location, or for the one that has the same uId.</summary>
    /// <remarks>It is asked of a grain with a new id. It waits for an answer of Apple's.</remarks>
    [Alias("TakeToken"), ResponseTimeout("00:03:00")]
    Task<ContentTokenTaken> TakeToken(ContentTokenMessage upload);

    /// <summary>Tells Apple that this server manages the location.</summary>
    [Alias("Claim"), ResponseTimeout("00:03:00")]
    Task<ContentClaimed> Claim(ContentClaim claim);

    /// <summary>Apple says that something has changed.</summary>
    [Alias("Notified"), AlwaysInterleave]
    Task Notified(ContentNotice notice);

    [Alias("Describe"), AlwaysInterleave]
    Task<ContentLocationLive> Describe();
}

/// <param name="Text">As Apple School Manager gives it.</param>
/// <param name="By">Who uploads it.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-token-message")]
public sealed record ContentTokenMessage([property: Id(0)] string Text, [property: Id(1)] string By)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => $"ContentTokenMessage {{ By = {By} }}";
}

/// <param name="LocationId">Whose it is.</param>
/// <param name="Problem">A sentence for people; null: it is used from now on.</param>
/// <param name="Unavailable">Apple could not be asked; nothing was changed.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-token-taken")]
public sealed record ContentTokenTaken([property: Id(0)] string? LocationId, [property: Id(1)] string? Problem, [property: Id(2)] bool Unavailable);

/// <param name="By">Who wants it.</param>
/// <param name="TakeOver">From the server that has claimed it.</param>
/// <param name="NotifyUrl">Where Apple reaches this server, without the secret part; null: it cannot.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-claim")]
public sealed record ContentClaim([property: Id(0)] string By, [property: Id(1)] bool TakeOver, [property: Id(2)] string? NotifyUrl);

/// <param name="Problem">A sentence for people; null: it is claimed.</param>
/// <param name="Unavailable">Apple could not be asked.</param>
/// <param name="ClaimedBy">The name of the other server that has it; null: none has.</param>
/// <param name="Notifies">Apple sends notifications from now on.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-claimed")]
public sealed record ContentClaimed([property: Id(0)] string? Problem, [property: Id(1)] bool Unavailable, [property: Id(2)] string? ClaimedBy, [property: Id(3)] bool Notifies);

/// <param name="Type">Apple's name of it.</param>
/// <param name="EventId">Of the request that it is about; null: of none.</param>
/// <param name="Apps">The numbers of the apps that it is about; null: it comes from a node of an earlier version.</param>
/// <param name="Takes">Licences were taken back, and not given.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-notice")]
public sealed record ContentNotice([property: Id(0)] string Type, [property: Id(1)] string? EventId, [property: Id(2)] IReadOnlyList<string>? Apps = null, [property: Id(3)] bool Takes = false);

/// <param name="Working">Apple is being asked at this moment.</param>
[GenerateSerializer, Immutable, Alias("fleetmdm.content-location-live")]
public sealed record ContentLocationLive([property: Id(0)] bool Working);
