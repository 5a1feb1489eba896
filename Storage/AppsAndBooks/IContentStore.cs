using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.AppsAndBooks;

/// <summary>Locations of Apps and Books, what they own and who has it. All of it is the district's: one that asks for some schools finds nothing.</summary>
public interface IContentStore
{
    const int MostLocations = 500;

    /// <summary>By name.</summary>
    Task<IReadOnlyList<ContentLocationRow>> ListLocations(Scope scope);

    Task<ContentLocationRow?> FindLocation(Scope scope, string id);

    /// <summary>What Apple has been told stays there. One that an assignment uses is not deleted.</summary>
    Task<ContentOutcome> DeleteLocation(string id, AuditRecord? audit);

    /// <summary>By name, then location.</summary>
    /// <param name="locationId">Only of this one.</param>
    /// <param name="text">Part of the name, or the number.</param>
    /// <param name="shortOnly">Only those of which fewer are left than are wanted.</param>
    /// <param name="after">The place of the last one, as <c>PlaceOf</c> says it.</param>
    Task<IReadOnlyList<ContentAssetRow>> ListAssets(Scope scope, string? locationId, string? text, bool shortOnly, string? after, int limit);

    Task<ContentAssetRow?> FindAsset(string locationId, string adamId, string? pricing);

    /// <summary>By app and serial number.</summary>
    Task<IReadOnlyList<ContentLicenceRow>> ListLicences(Scope scope, string locationId, string? adamId, LicenceState? state, string? after, int limit);

    /// <summary>Where a list goes on after this one.</summary>
    static string PlaceOf(ContentAssetRow row) => $"{row.Asset.Name?.ToLowerInvariant() ?? row.Asset.AdamId}\t{row.LocationId}\t{row.Asset.AdamId}\t{row.Asset.Pricing}";

    static string PlaceOf(ContentLicenceRow row) => $"{row.Licence.AdamId}\t{row.Licence.Pricing}\t{row.Licence.SerialNumber}";

    /// <summary>The location whose notifications come by this part of the address, by its SHA-256.</summary>
    Task<ContentPlace?> FindByNotify(byte[] hash);

    /// <summary>Notes a notification. One that came by an address that Apple was only offered shows that Apple has agreed.</summary>
    /// <returns>False: it was here before, or the location is gone.</returns>
    Task<bool> TakeNotification(ContentPlace place, string notificationId, DateTimeOffset at);
}

/// <summary>What the grain of a location writes.</summary>
public interface IContentSyncStore
{
    /// <summary>Locations that have something to do: what is due, and assignments that lack a licence, or left one.</summary>
    Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit);

    /// <summary>Those of whose apps assignments have changed since the last <see cref="Review"/>.</summary>
    Task<IReadOnlyList<string>> ListTouched();

    Task<ContentLocation?> Load(string id);

    /// <summary>A token that Apple took: a new location, or the renewal of the one that has the same uId.</summary>
    /// <returns>With the id of the location.</returns>
    Task<(ContentOutcome Outcome, string Id)> TakeToken(string newId, ContentTokenUpload upload, DateTimeOffset at);

    /// <summary>This server speaks for the location from now on, and Apple has been told.</summary>
    Task<bool> SetClaim(string id, ContentConfig config, DateTimeOffset at, string by, byte[]? sealedNotify, byte[]? notifyHash);

    /// <summary>By which notifications may come, before Apple is told. Those before count too until Apple has agreed.</summary>
    Task OfferNotify(string id, byte[] sealedNotify, byte[] notifyHash);

    /// <summary>Writes what else the grain knows, guarded by the revision.</summary>
    Task<bool> Save(ContentLocation standing, ContentLocation next);

    /// <summary>Some of its assets, as Apple counts them.</summary>
    Task WriteAssets(string id, IReadOnlyList<ContentAsset> assets, long generation, DateTimeOffset at);

    /// <summary>The read has ended: what it did not list is gone.</summary>
    Task EndAssets(string id, long generation);

    /// <summary>Apps whose name is to be asked for.</summary>
    Task<IReadOnlyList<string>> ListNameless(string id, DateTimeOffset askedBefore, int limit);

    Task WriteNames(string id, IReadOnlyList<(string AdamId, string? Name, string? BundleId)> names, DateTimeOffset at);

    /// <summary>Licences that Apple lists as given.</summary>
    /// <param name="generation">Of a whole read; null: of what is new.</param>
    Task<long> TakeLicences(string id, IReadOnlyList<(string AdamId, string Pricing, string SerialNumber)> licences, long? generation, DateTimeOffset at);

    /// <summary>A whole read has ended: what Apple does not list is not held. What changed after it began is left alone.</summary>
    Task EndLicences(string id, long generation, DateTimeOffset began);

    /// <summary>Looks at assignments: which licences are wanted now, and which are not any more.</summary>
    /// <returns>How many iPads have their licence after all, and are due.</returns>
    Task<long> Review(string id, DateTimeOffset now);

    /// <summary>Assets of which licences are wanted, or to be given back, and due.</summary>
    Task<IReadOnlyList<(ContentAsset Asset, LicenceState State, long Count)>> ListWork(string id, DateTimeOffset now);

    /// <summary>Serial numbers, the oldest first.</summary>
    Task<IReadOnlyList<string>> ListDueLicences(string id, string adamId, string pricing, LicenceState state, DateTimeOffset now, int limit);

    /// <summary>Before Apple is asked: they are on their way, and nobody knows the answer yet.</summary>
    /// <returns>Those that are so now. Others were asked for meanwhile, by a node that took this one's place.</returns>
    Task<IReadOnlyList<string>> Ask(string id, string adamId, string pricing, LicenceState to, IReadOnlyList<string> serials, DateTimeOffset at);

    /// <summary>Apple's id of the request.</summary>
    Task SetEvent(string id, string adamId, string pricing, LicenceState state, IReadOnlyList<string> serials, string eventId, DateTimeOffset nextAt);

    /// <summary>Requests that Apple works on.</summary>
    Task<IReadOnlyList<ContentEvent>> ListEvents(string id);

    Task<IReadOnlyList<ContentLicence>> ListOfEvent(string id, string eventId);

    /// <summary>Apple works on it: when it is looked at again.</summary>
    Task Postpone(string id, string eventId, DateTimeOffset nextAt);

    /// <summary>Those that Apple was asked for, by somebody who did not hear the answer.</summary>
    Task<IReadOnlyList<ContentLicence>> ListLost(string id, int limit);

    /// <summary>What became of them. What changed in between is left alone. Assigned apps that wait for a licence that is there now are due.</summary>
    /// <returns>How many assigned apps are due.</returns>
    Task<long> Settle(string id, IReadOnlyList<LicenceAnswer> answers, DateTimeOffset now);

    /// <summary>Of an app that has none left: why its iPads wait. Their standing says it too.</summary>
    Task Refuse(string id, string adamId, string pricing, string reason, DateTimeOffset nextAt, DateTimeOffset now);

    /// <summary>Those who wait are due.</summary>
    /// <param name="all">What stood in the way of all is over. False: only those of which Apple has more.</param>
    Task Retry(string id, bool all, DateTimeOffset now);

    /// <summary>When the next thing is due; null: nothing waits.</summary>
    Task<DateTimeOffset?> NextWorkAt(string id);

    /// <summary>Of one iPad, for its grain: those of these assets.</summary>
    Task<IReadOnlyList<(AssignedLicence Which, ContentLicence Licence)>> OfDevice(string serialNumber);

    /// <summary>Forgets notifications that were taken before.</summary>
    Task<int> ForgetNotifications(DateTimeOffset before);
}
