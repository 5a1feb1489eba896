using System.Globalization;
using System.Security.Cryptography;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Profiles;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Profiles;

/// <summary>The library of profiles, for REST and for the console.</summary>
/// <remarks>Every method throws <see cref="ApiProblem"/> with what a person has to know.</remarks>
internal sealed class ProfileLibrary(IProfileStore store, ProfileSender sender, AuditTrail trail, DeviceLookup devices, AssignedThings assigned, IOptions<MdmOptions> mdm, TimeProvider time)
{
    private const string Gone = "The library has no profile with this id.";

    /// <summary>What a profile is inspected by now.</summary>
    public ProfileRules Rules => new() { Now = time.GetUtcNow() };

    public async Task<Page<ProfileSummary>> List(string? text, string? after, int limit)
    {
        var last = after is null ? null : await FindRow(after) ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), last, limit + 1);
        return Page.Of(rows, limit, ProfileSummary.Of, row => row.Id);
    }

    /// <summary>With what is in it, without its secrets.</summary>
    public async Task<ProfileView> Get(FleetUser reader, string id)
    {
        var row = await Row(id);
        return ProfileView.Of(row, (await Content(row, row.Newest.Version)).Root, await store.Count(reader.Scope, row.Id));
    }

    public async Task<Page<ProfileVersionSummary>> Versions(string id, string? after, int limit)
    {
        var row = await Row(id);
        int? before = after is null ? null
            : int.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : throw ApiProblem.InvalidCursor();
        var rows = await store.ListVersions(row.Id, before, limit + 1);
        return Page.Of(rows, limit, ProfileVersionSummary.Of, one => one.Version.ToString(CultureInfo.InvariantCulture));
    }

    public async Task<ProfileVersionView> Version(string id, int version)
    {
        var row = await Row(id);
        var found = await store.FindVersion(row.Id, version) ?? throw NoVersion(row, version);
        return ProfileVersionView.Of(found, (await Content(row, version)).Root);
    }

    /// <summary>What is different in <paramref name="to"/>, key by key.</summary>
    public async Task<ProfileComparisonView> Compare(string id, int from, int to)
    {
        var row = await Row(id);
        var (one, other) = (await Content(row, from), await Content(row, to));
        return new ProfileComparisonView { From = from, To = to, Differences = [.. ProfileComparison.Of(one.Root, other.Root).Select(ProfileDifferenceView.Of)] };
    }

    public async Task<ProfileSaved> Create(HttpContext context, ProfileInput input)
    {
        var id = RequestIds.NewGuid(context, "profile").ToString("D");
        var profile = input.Check(LibraryProfile.UuidOf(id, 1), before: null, Rules);
        var write = Write(context, id, 1, profile, input.Note, AuditVerbs.ProfileCreate);
        switch (await store.Write(write))
        {
            case ProfileWriteOutcome.Written:
                return Saved(write, profile);
            case ProfileWriteOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.LibraryFull, "The library is full", $"The library has {IProfileStore.MostProfiles} profiles, as many as it may. Delete one first.");
            default:
                var taken = await store.FindByIdentifier(profile.Identifier);
                throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.IdentifierTaken, "The identifier is taken",
                    taken is null
                        ? "Another profile of the library has this PayloadIdentifier. Save again."
                        : $"The profile \"{taken.Newest.Name}\" ({taken.Id}) has the PayloadIdentifier {taken.Identifier}. Two profiles with one identifier would replace each other on iPads. Change that profile instead, or give this one another PayloadIdentifier.")
                {
                    Errors = new Dictionary<string, string[]> { ["profile.PayloadIdentifier"] = ["Another profile of the library has it."] },
                };
        }
    }

    /// <summary>A change: the next version. One that changes nothing makes none.</summary>
    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public async Task<ProfileSaved> NewVersion(HttpContext context, string id, int? basedOn, ProfileInput input)
    {
        return await EntityTag.Attempt(basedOn, async () =>
        {
            var row = await Row(id);
            var before = await Content(row, row.Newest.Version);
            return await Change(context, row, basedOn, before, uuid => input.Check(uuid, before, Rules), input.Note, restoredFrom: null);
        });
    }

    /// <summary>A new version with the content of an old one.</summary>
    /// <param name="basedOn">The newest version that the person saw; null: whatever stands.</param>
    public async Task<ProfileSaved> GoBack(HttpContext context, string id, int version, int? basedOn, string? note)
    {
        return await EntityTag.Attempt(basedOn, async () =>
        {
            var row = await Row(id);
            var old = await Content(row, version);
            return await Change(
                context, row, basedOn, await Content(row, row.Newest.Version), uuid => old.Signed ? old : LibraryProfile.OfBuilt(old.Root, uuid, Rules), ProfileInput.Checked(note), version);
        });
    }

    /// <summary>Deletes it from the library. Installed copies stay, unless they are to be removed.</summary>
    /// <param name="expected">How many iPads have it, to the knowledge of whoever asks.</param>
    /// <param name="remove">Removes it from them, too.</param>
    /// <param name="confirmation">Of a dry run of the removal from all that have it: needed to remove it from more than one.</param>
    /// <param name="basedOn">The newest version that the person saw; null: whatever stands.</param>
    public async Task<ProfileDeleted> Delete(HttpContext context, string id, long? expected, bool remove, string? confirmation = null, int? basedOn = null)
    {
        var row = await Row(id);
        if (basedOn is { } seen && seen != row.Newest.Version) throw Changed(row.Newest.Version, "Nothing was deleted. Look at what has changed, and decide again.");
        await assigned.RequireUnused(row.Id, "profile");
        var holders = await store.CountHolders(FleetUser.Of(context).Scope, row.Id);
        if (holders > 0 && expected != holders)
        {
            throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "iPads have this profile",
                $"{(holders == 1 ? "1 iPad has" : $"{holders} iPads have")} this profile, or {(holders == 1 ? "waits" : "wait")} for it. Nothing was deleted. To delete it from the library and leave it on them, send expected={holders}. To remove it from them too, add remove=true{(holders == 1 ? "" : $", and the confirmation that a dry run of the removal returns: send {{\"target\": {{\"holders\": true}}}} to /api/v1/profiles/{row.Id}/remove?dryRun=true")}.")
            {
                Errors = new Dictionary<string, string[]> { ["expected"] = [$"It must be {holders}."] },
                Found = holders,
            };
        }

        var removal = remove && holders > 0
            ? await sender.Send(context, row, new ProfileSendRequest { Target = new ProfileTargetRequest { Holders = true }, Expected = confirmation is null ? holders : null, Confirmation = confirmation }, remove: true)
            : null;
        if (!await store.Delete(row.Id, basedOn, trail.Entry(context, AuditVerbs.ProfileDelete, AuditTargets.Profile, row.Id, row.Identifier, row.Newest.Name) with { Count = holders }))
        {
            throw await FindRow(row.Id) is { } changed
                ? Changed(changed.Newest.Version, removal is null ? "Nothing was deleted." : $"It was not deleted from the library. The operation {removal.Id}, which removes it from iPads, goes on.")
                : ApiProblem.NotFound(Gone);
        }

        return new ProfileDeleted { Id = row.Id, Identifier = row.Identifier, IPads = holders, OperationId = removal?.Id };
    }

    /// <summary>What an installation or a removal would do, now.</summary>
    public async Task<OperationPlanView> Plan(HttpContext context, string id, ProfileSendRequest request, bool remove) => await sender.Plan(context, await Row(id), request, remove);

    /// <summary>Starts the operation that installs it.</summary>
    public async Task<OperationStarted> Install(HttpContext context, string id, ProfileSendRequest request) => await sender.Send(context, await Row(id), request, remove: false);

    /// <summary>Starts the operation that removes it from iPads. The library keeps it.</summary>
    public async Task<OperationStarted> Remove(HttpContext context, string id, ProfileSendRequest request) => await sender.Send(context, await Row(id), request, remove: true);

    /// <summary>The file. What holds secrets is for those who may see them and say why, and leaves a record.</summary>
    /// <param name="version">Null: the newest.</param>
    /// <param name="said">Why, where the request has no header that says it.</param>
    public async Task<(byte[] Bytes, string FileName)> Download(HttpContext context, string id, int? version, string? said)
    {
        var row = await Row(id);
        var wanted = version ?? row.Newest.Version;
        var found = await store.FindVersion(row.Id, wanted) ?? throw NoVersion(row, wanted);
        if (found.HasSecrets)
        {
            if (!FleetUser.Of(context).MaySeeSecrets)
            {
                throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "The profile holds secrets",
                    "Your token may not see secrets. The rest of the profile is shown at GET /api/v1/profiles/{id}.");
            }

            await trail.Record(context, AuditVerbs.SecretRead, AuditTargets.Profile, row.Id, row.Identifier, $"version {wanted.ToString(CultureInfo.InvariantCulture)}",
                AuditReason.Required(context, said));
        }

        return (await sender.File(row, found), FileName(row.Identifier));
    }

    /// <summary>The iPads that were sent it.</summary>
    public async Task<Page<ProfileStandingView>> Devices(FleetUser reader, string id, string? state, string? after, int limit)
    {
        var row = await Row(id);
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListDevices(reader.Scope, row.Id, ProfileStates.Read("state", state), after, limit + 1);
        return Page.Of(rows, limit, ProfileStandingView.Of, one => one.DeviceId);
    }

    /// <summary>The profiles of the library that an iPad was sent.</summary>
    public async Task<Page<ProfileStandingView>> OfDevice(string deviceId, string? after, int limit)
    {
        var device = await devices.Row(deviceId);
        if (after is not null && Text.Uuid(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListOfDevice(device.Id, after?.ToLowerInvariant(), limit + 1);
        return Page.Of(rows, limit, ProfileStandingView.Of, one => one.ProfileId);
    }

    /// <summary>Its link; null: it is not public.</summary>
    public async Task<ProfileLinkView?> Link(HttpContext context, string id)
    {
        var row = await Row(id);
        if (row.LinkedAt is not { } since || await store.FindLink(row.Id) is not { } token) return null;
        // Who has the link has the secrets.
        var shown = !row.Newest.HasSecrets || FleetUser.Of(context).MaySeeSecrets;
        return new ProfileLinkView { Url = shown ? PublicProfileEndpoint.UrlOf(mdm.Value, token) : null, Since = since, Secrets = row.LinkSecrets };
    }

    /// <summary>Makes it public under a new link. The link before, if there was one, leads nowhere from now on.</summary>
    /// <param name="secretsToo">It may give secrets away.</param>
    public async Task<ProfileLinkView> Publish(HttpContext context, string id, bool secretsToo) => await EntityTag.Attempt(null, async () =>
    {
        var row = await Row(id);
        if (row.Newest.Variables.Count > 0)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotForPublic, "The profile cannot be public",
                $"It has variables ({string.Join(", ", row.Newest.Variables.Select(name => $"{{{{{name}}}}}"))}). Who opens the link may have any iPad, so nobody knows their values.");
        }

        if (row.Newest.HasSecrets && !secretsToo)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotForPublic, "The profile holds secrets",
                "Everybody who has the link could read its passwords and keys. If that is what you want, send \"secretsToo\": true.")
            {
                Errors = new Dictionary<string, string[]> { ["secretsToo"] = ["The profile holds secrets."] },
            };
        }

        // Who has the link has the secrets, also those of a later version: nobody makes it who may not see them.
        if (secretsToo) FleetUser.Of(context).Require(Rights.SecretRead);
        var token = RandomNumberGenerator.GetBytes(PublicProfileEndpoint.TokenBytes);
        var now = time.GetUtcNow();
        var audit = trail.Entry(context, AuditVerbs.ProfilePublish, AuditTargets.Profile, row.Id, row.Identifier, secretsToo && row.Newest.HasSecrets ? "public, with its secrets" : "public");
        if (!await store.SetLink(row.Id, token, secretsToo, row.Newest.Version, now, audit))
            throw await FindRow(row.Id) is { } changed ? Changed(changed.Newest.Version, "It was not made public. Look at what has changed, and decide again.") : ApiProblem.NotFound(Gone);
        return new ProfileLinkView { Url = PublicProfileEndpoint.UrlOf(mdm.Value, token), Since = now, Secrets = secretsToo };
    });

    /// <summary>Offers it to people who sign in for themselves: pupils, teachers, staff, or nobody.</summary>
    public async Task<ProfileOfferView> SetOffer(HttpContext context, string id, IReadOnlyList<string> to, bool secretsToo) => await EntityTag.Attempt(null, async () =>
    {
        var people = OfferedTo.Nobody;
        foreach (var (i, name) in to.Index())
        {
            var known = ProfileOfferView.All.FirstOrDefault(one => one.Name == name).People;
            people |= known != OfferedTo.Nobody ? known : throw ApiProblem.Field($"to[{i}]", "It must be pupils, teachers or staff.");
        }

        var row = await Row(id);
        if (people != OfferedTo.Nobody && row.Newest.Variables.Count > 0)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotForPublic, "The profile cannot be offered",
                $"It has variables ({string.Join(", ", row.Newest.Variables.Select(name => $"{{{{{name}}}}}"))}). They are filled in only where the server sends it to an iPad.");
        }

        if (people != OfferedTo.Nobody && row.Newest.HasSecrets && !secretsToo)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotForPublic, "The profile holds secrets",
                "Who downloads it could read its passwords and keys. If that is what you want, send \"secretsToo\": true.")
            {
                Errors = new Dictionary<string, string[]> { ["secretsToo"] = ["The profile holds secrets."] },
            };
        }

        // Who offers secrets gives them away, also those of a later version: nobody does who may not see them.
        if (people != OfferedTo.Nobody && secretsToo) FleetUser.Of(context).Require(Rights.SecretRead);
        var audit = trail.Entry(context, AuditVerbs.ProfileOffer, AuditTargets.Profile, row.Id, row.Identifier,
            people == OfferedTo.Nobody ? "to nobody" : $"to {string.Join(", ", ProfileOfferView.All.Where(one => people.HasFlag(one.People)).Select(one => one.Name))}{(row.Newest.HasSecrets ? ", with its secrets" : "")}");
        if (!await store.SetOffer(row.Id, people, secretsToo, people == OfferedTo.Nobody ? null : row.Newest.Version, audit))
            throw await FindRow(row.Id) is { } changed ? Changed(changed.Newest.Version, "It was not offered. Look at what has changed, and decide again.") : ApiProblem.NotFound(Gone);
        return ProfileOfferView.Of(await Row(row.Id));
    });

    /// <summary>Nobody gets it by the link any more.</summary>
    public async Task Withdraw(HttpContext context, string id)
    {
        var row = await Row(id);
        if (!await store.SetLink(row.Id, null, false, null, time.GetUtcNow(), trail.Entry(context, AuditVerbs.ProfilePublish, AuditTargets.Profile, row.Id, row.Identifier, "not public any more")))
            throw ApiProblem.NotFound(Gone);
    }

    /// <summary>The row with its newest version.</summary>
    internal async Task<ProfileRow> Row(string id) => await FindRow(id) ?? throw ApiProblem.NotFound(Gone);

    /// <summary>What a version holds, opened.</summary>
    internal async Task<LibraryProfile> Content(ProfileRow row, int version)
    {
        var bytes = await store.Load(row.Id, version) ?? throw NoVersion(row, version);
        return LibraryProfile.Stored(bytes);
    }

    /// <summary>The file name of a download: the identifier, as far as file systems take it.</summary>
    internal static string FileName(string identifier) =>
        string.Concat(identifier.Select(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_' ? character : '-')).Trim('.') is { Length: > 0 } name ? name : "profile";

    private async Task<ProfileRow?> FindRow(string id) => Text.Uuid(id) is { } known ? await store.Find(known.ToString("D")) : null;

    private async Task<ProfileSaved> Change(
        HttpContext context, ProfileRow row, int? basedOn, LibraryProfile before, Func<string, LibraryProfile> make, string? note, int? restoredFrom)
    {
        if (basedOn is { } seen && seen != row.Newest.Version) throw Changed(row.Newest.Version);
        var next = row.Newest.Version + 1;
        var profile = make(LibraryProfile.UuidOf(row.Id, next));
        if (profile.Identifier != row.Identifier)
        {
            const string Message = "The PayloadIdentifier of a profile stays the same: on iPads it is what a new version replaces. Make another profile for another identifier.";
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.InvalidProfile, "The identifier cannot change", Message)
            {
                Errors = new Dictionary<string, string[]> { ["profile.PayloadIdentifier"] = [$"It must be {row.Identifier}."] },
            };
        }

        if (profile.IsSameAs(before))
            return new ProfileSaved { Id = row.Id, Identifier = row.Identifier, Name = row.Newest.Name, Version = row.Newest.Version, Unchanged = true, Warnings = Warnings(profile) };
        CheckPublic(row, profile);
        var write = Write(context, row.Id, next, profile, note, AuditVerbs.ProfileChange, restoredFrom);
        switch (await store.Write(write))
        {
            case ProfileWriteOutcome.Written:
                return Saved(write, profile);
            case ProfileWriteOutcome.NotFound:
                throw ApiProblem.NotFound(Gone);
            default:
                var now = await FindRow(row.Id);
                if (now is not null) CheckPublic(now, profile);
                throw Changed(now?.Newest.Version ?? next);
        }
    }

    private static void CheckPublic(ProfileRow row, LibraryProfile profile)
    {
        if (row.LinkedAt is null) return;
        if (profile.Variables.Count > 0)
            throw ApiProblem.Conflict(ProblemCodes.ProfileIsPublic, "The profile is public", "A profile with variables cannot be public: nobody knows whose iPad it is. Withdraw its link first.");
        if (profile.HasSecrets && !row.LinkSecrets)
            throw ApiProblem.Conflict(ProblemCodes.ProfileIsPublic, "The profile is public", "This version holds secrets, and everybody who has the link could read them. Withdraw the link first, or make a new one that may give secrets away.");
    }

    private ProfileWrite Write(
        HttpContext context, string id, int version, LibraryProfile profile, string? note, string verb, int? restoredFrom = null) => new()
        {
            Identifier = profile.Identifier,
            Content = profile.Bytes,
            Version = new ProfileVersionRow
            {
                ProfileId = id,
                Version = version,
                Uuid = profile.Uuid,
                Name = profile.Name,
                Description = profile.Description,
                Signed = profile.Signed,
                HasSecrets = profile.HasSecrets,
                Variables = profile.Variables,
                Payloads = [.. profile.Payloads.Select(payload => new ProfilePart(payload.Type, payload.Identifier, payload.Uuid, payload.Name))],
                Size = profile.Bytes.Length,
                CreatedAt = time.GetUtcNow(),
                CreatedBy = FleetUser.Of(context).Name,
                Note = note,
                RestoredFrom = restoredFrom,
            },
            Audit = trail.Entry(
                context, verb, AuditTargets.Profile, id, profile.Identifier, string.Create(CultureInfo.InvariantCulture, $"{profile.Name}, version {version}")),
        };

    private static ProfileSaved Saved(ProfileWrite write, LibraryProfile profile) => new()
    {
        Id = write.Version.ProfileId,
        Identifier = write.Identifier,
        Name = write.Version.Name,
        Version = write.Version.Version,
        Unchanged = false,
        Warnings = Warnings(profile),
    };

    private static List<ProfileWarning> Warnings(LibraryProfile profile) => [.. profile.Warnings.Select(ProfileWarning.Of)];

    private static ApiProblem Changed(int version, string outcome = "Nothing was saved. Look at what has changed, and save again.") => new(
        StatusCodes.Status412PreconditionFailed, ProblemCodes.ProfileChanged, "Somebody else has changed it",
        string.Create(CultureInfo.InvariantCulture, $"The profile is at version {version} by now. {outcome}"));

    private static ApiProblem NoVersion(ProfileRow row, int version) => ApiProblem.NotFound(string.Create(CultureInfo.InvariantCulture,
        $"The profile has no version {version}. The newest is {row.Newest.Version}; the last {IProfileStore.MostVersions} are kept."));
}
