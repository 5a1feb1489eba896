using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Profiles;

/// <summary>The library of configuration profiles: profiles, their versions, and how each stands on the iPads.</summary>
/// <remarks>What iPads are sent is written by operations (<see cref="Operations.OperationAppend.Profile"/>), and what became of it with their answers
/// (<see cref="Devices.QueueFinish.ProfileCommand"/>); both are only read here.</remarks>
public interface IProfileStore
{
    /// <summary>More than a district has. Each is looked at by people.</summary>
    const int MostProfiles = 5_000;

    /// <summary>Older ones are dropped when a new one is written.</summary>
    const int MostVersions = 100;

    Task<ProfileRow?> Find(string id);

    /// <summary>The one with this PayloadIdentifier.</summary>
    Task<ProfileRow?> FindByIdentifier(string identifier);

    /// <summary>By name.</summary>
    /// <param name="text">Part of name or identifier, in any case; null: all.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">At most so many.</param>
    Task<IReadOnlyList<ProfileRow>> List(string? text, ProfileRow? after, int limit);

    Task<ProfileVersionRow?> FindVersion(string id, int version);

    /// <summary>Newest first.</summary>
    /// <param name="before">The last of the page before.</param>
    Task<IReadOnlyList<ProfileVersionRow>> ListVersions(string id, int? before, int limit);

    /// <summary>What a version holds; null: there is none.</summary>
    Task<byte[]?> Load(string id, int version);

    /// <summary>A new profile, or a new version of one. A repetition after a lost answer is <see cref="ProfileWriteOutcome.Written"/> too.</summary>
    Task<ProfileWriteOutcome> Write(ProfileWrite write);

    /// <summary>Deletes a profile with its versions, and what is known of it on iPads.</summary>
    /// <param name="version">Only if this is still the newest; null: whatever stands.</param>
    /// <returns>False: there was none, or it is at another version. Nothing was deleted.</returns>
    Task<bool> Delete(string id, int? version, AuditRecord? audit);

    /// <summary>A version as this server signed it; null: it did not.</summary>
    Task<SignedProfile?> FindSigned(string id, int version);

    Task KeepSigned(string id, int version, SignedProfile signed);

    /// <summary>Makes the profile public under this token, instead of the one before; null: not public any more.</summary>
    /// <param name="secrets">It may give secrets away.</param>
    /// <param name="version">Only if this is still the newest, of which it was decided that everybody may have it; null: whatever stands.</param>
    /// <returns>False: there is no such profile, or it is at another version.</returns>
    Task<bool> SetLink(string id, byte[]? token, bool secrets, int? version, DateTimeOffset at, AuditRecord? audit);

    /// <summary>Offers the profile to people who sign in for themselves, or to nobody any more.</summary>
    /// <param name="id">Of the profile.</param>
    /// <param name="people">To whom.</param>
    /// <param name="secrets">They may have the secrets in it.</param>
    /// <param name="version">Only if this is still the newest, of which it was decided; null: whatever stands.</param>
    /// <param name="audit">Written with it.</param>
    /// <returns>False: there is no such profile, or it is at another version.</returns>
    Task<bool> SetOffer(string id, OfferedTo people, bool secrets, int? version, AuditRecord? audit);

    /// <summary>What these people may download, by name.</summary>
    Task<IReadOnlyList<ProfileRow>> ListOffered(OfferedTo people, int limit);

    /// <summary>The token of its link; null: it is not public.</summary>
    Task<byte[]?> FindLink(string id);

    Task<ProfileRow?> FindByLink(byte[] token);

    /// <summary>How many enrolled iPads have it in each state.</summary>
    Task<IReadOnlyList<ProfileCount>> Count(Scope scope, string id);

    /// <summary>How many enrolled iPads have it, or were sent it and did not remove it.</summary>
    Task<long> CountHolders(Scope scope, string id);

    /// <summary>The enrolled iPads that were sent it, by id, after <paramref name="after"/>.</summary>
    Task<IReadOnlyList<ProfileStanding>> ListDevices(Scope scope, string id, ProfileState? state, string? after, int limit);

    /// <summary>The profiles of the library that this iPad was sent, by id.</summary>
    Task<IReadOnlyList<ProfileStanding>> ListOfDevice(string deviceId, string? after, int limit);
}
