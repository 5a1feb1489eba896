using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Apps;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Operations;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Assignments;

/// <summary>What iPads should have, for REST and for the console.</summary>
internal sealed class AssignmentService(
    IAssignmentStore store, IProfileStore profiles, HostedAppService apps, IContentStore content, DeviceLookup lookup, IGrainFactory grains, AuditTrail trail, TimeProvider time)
{
    public const string InstallApplication = "InstallApplication";
    public const string Settings = "Settings";

    internal const string SharedIPad = "sharedIPad";

    private const string BundleId = "bundleId";

    /// <summary>Of an app: the location of Apps and Books whose licence it needs.</summary>
    internal const string Location = "location";
    internal const string Pricing = "pricing";

    private const int LongestBundleId = 255;
    private const int Examples = 10;

    /// <summary>Items whose work is not a state that an iPad can be in.</summary>
    private static readonly string[] Deeds = ["ActivationLock"];

    public async Task<Page<AssignmentView>> List(FleetUser reader, string? text, string? after, int limit)
    {
        var last = after is null ? null : (await Row(reader, after))?.Assignment.Name ?? throw ApiProblem.InvalidCursor();
        var rows = await store.List(reader.Scope, string.IsNullOrWhiteSpace(text) ? null : Text.Optional("q", text.Trim()), last, limit + 1);
        var counts = (await store.Count([.. rows.Select(row => row.Assignment.Id)])).ToLookup(one => one.AssignmentId);
        return Page.Of(rows, limit, row => AssignmentView.Of(row, AssignmentCountsView.Of(counts[row.Assignment.Id])), row => row.Assignment.Id);
    }

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<AssignmentView> Get(FleetUser reader, string id)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        var view = AssignmentView.Of(row, AssignmentCountsView.Of(await store.Count([row.Assignment.Id])));
        // It may hold a configuration with a password in it.
        if (row.Assignment.Asked is not { } asked || !reader.May(Rights.AssignmentChange)) return view;
        return With(view, row.Assignment.Kind, JsonSerializer.Deserialize(asked, AdminJson.Default.JsonElement));
    }

    /// <summary>All of the district, with what was asked for: for somebody who takes them along.</summary>
    /// <param name="shown">What is shown of that: it may hold secrets.</param>
    public async IAsyncEnumerable<AssignmentView> All(Func<JsonElement, JsonElement> shown)
    {
        const int AtATime = 200;
        string? after = null;
        while (true)
        {
            var rows = await store.List(Storage.Scope.District, null, after, AtATime);
            var counts = (await store.Count([.. rows.Select(row => row.Assignment.Id)])).ToLookup(one => one.AssignmentId);
            foreach (var row in rows)
            {
                var view = AssignmentView.Of(row, AssignmentCountsView.Of(counts[row.Assignment.Id]));
                yield return row.Assignment.Asked is { } asked ? With(view, row.Assignment.Kind, shown(JsonSerializer.Deserialize(asked, AdminJson.Default.JsonElement))) : view;
            }

            if (rows.Count < AtATime) yield break;
            after = rows[^1].Assignment.Name;
        }
    }

    private static AssignmentView With(AssignmentView view, AssignmentKind kind, JsonElement asked) => kind switch
    {
        AssignmentKind.App => view with { App = asked },
        AssignmentKind.Declaration => view with { Declaration = asked },
        AssignmentKind.SoftwareUpdate => view with { SoftwareUpdate = asked.Deserialize(AdminJson.Default.SoftwareUpdateRequest) },
        AssignmentKind.SharedIPad => view with { SharedIPad = asked.Deserialize(AdminJson.Default.SharedIPadRequest) },
        _ => view with { Setting = asked },
    };

    /// <summary>What it would do, now. Nothing is changed.</summary>
    /// <param name="id">Of the one that it would change; null: a new one.</param>
    /// <exception cref="ApiProblem">400, 404, 422.</exception>
    public async Task<AssignmentPlanView> Plan(HttpContext context, string? id, AssignmentRequest request)
    {
        var user = FleetUser.Of(context);
        var standing = id is null ? null : await Row(user, id) ?? throw NotFound();
        var (assignment, requirements) = await Read(context, request, standing?.Assignment.Id ?? "");
        try
        {
            var plan = await store.Plan(
                user.Scope, standing?.Assignment.Id, new AssignmentTarget(assignment.Target, assignment.Except, assignment.SchoolId, time.GetUtcNow(), assignment.Channel), requirements, Examples, assignment.Licence);
            return new AssignmentPlanView
            {
                Total = plan.Total,
                Can = plan.Fits,
                Cannot = plan.Total - plan.Fits,
                Reasons = [.. plan.Reasons.Select(OperationPlans.Of)],
                Arriving = plan.Arriving,
                Leaving = plan.Leaving,
                Users = assignment.Channel == AssignmentChannel.User ? AssignmentUsersView.Of(plan.IPads, plan.NotShared, plan.Total) : null,
                Examples = [.. plan.Examples.Select(Example).Distinct()],
                LeavingExamples = [.. plan.LeavingExamples.Select(Example).Distinct()],
                Licences = await Licences(assignment, plan),
            };
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(e.IsOfException ? "except" : "target", e.Message, ProblemCodes.InvalidFilter);
        }
    }

    public async Task<AssignmentView> Create(HttpContext context, AssignmentRequest request)
    {
        var user = FleetUser.Of(context);
        var id = RequestIds.NewGuid(context, "assignment").ToString("D");
        var now = time.GetUtcNow();
        var (read, _) = await Read(context, request, id);
        var assignment = read with { Version = 1, CreatedAt = now, CreatedBy = user.Name, UpdatedAt = now, UpdatedBy = user.Name };
        await Write(() => store.Create(user.Scope, assignment, trail.Entry(context, AuditVerbs.AssignmentCreate, AuditTargets.Assignment, id, detail: Told(assignment))));
        return await Get(user, id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public Task<AssignmentView> Change(HttpContext context, string id, int? basedOn, AssignmentRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Assignment;
        var (read, _) = await Read(context, request, standing.Id);
        if (read.Kind != standing.Kind || read.Item != standing.Item)
            throw ApiProblem.Field(Member(standing.Kind), "What is assigned cannot be changed for something else: the old one would stay on iPads. Delete this assignment and create another one.");
        if (read.Channel != standing.Channel)
            throw ApiProblem.Field("channel", "An assignment cannot be moved from iPads to users, or back: the old profile would stay. Delete this assignment and create another one.");
        if (read.Licence is { } wants && standing.Licence is { } has && wants != has)
            throw ApiProblem.Field($"app.{Location}", "The location, or the kind of licence, cannot be changed. Delete this assignment and create another one.");
        var isSame = standing.Command.AsSpan().SequenceEqual(read.Command) && standing.Licence == read.Licence;
        var assignment = read with
        {
            Version = (basedOn ?? standing.Version) + 1,
            Revision = isSame ? standing.Revision : standing.Revision + 1,
            Command = isSame ? standing.Command : read.Command,
            Asked = isSame ? standing.Asked : read.Asked,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        await Write(() => store.Change(user.Scope, assignment, trail.Entry(context, AuditVerbs.AssignmentChange, AuditTargets.Assignment, standing.Id, detail: Told(assignment))));
        return await Get(user, standing.Id);
    });

    /// <param name="basedOn">The version that the person saw; null: whatever stands.</param>
    public async Task Delete(HttpContext context, string id, int? basedOn)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Assignment;
        if (basedOn is { } seen && seen != standing.Version) throw EntityTag.Changed("the assignment");
        Require(context, standing.Kind);
        await Write(() => store.Delete(user.Scope, standing.Id, time.GetUtcNow(), trail.Entry(context, AuditVerbs.AssignmentDelete, AuditTargets.Assignment, standing.Id, detail: Told(standing))));
    }

    public async Task<AssignmentRetryView> Retry(HttpContext context, string id)
    {
        var user = FleetUser.Of(context);
        var standing = (await Row(user, id) ?? throw NotFound()).Assignment;
        Require(context, standing.Kind);
        if (standing.Kind.IsDeclared())
        {
            throw ApiProblem.Conflict(ProblemCodes.TriedByTheIPad, "The iPad tries it again by itself",
                "An iPad looks at a declaration again by itself, and as soon as it is changed. Nothing was sent. Change the assignment to send it anew.");
        }

        var count = await store.Retry(user.Scope, standing.Id, time.GetUtcNow(), found =>
            trail.Entry(context, AuditVerbs.AssignmentRetry, AuditTargets.Assignment, standing.Id, detail: Told(standing)) with { Count = found });
        await grains.GetGrain<IPlanGrain>(0).Changed();
        return new AssignmentRetryView { IPads = count };
    }

    public async Task<Page<AssignmentDeviceView>> Devices(FleetUser reader, string id, string? state, string? after, int limit)
    {
        var row = await Row(reader, id) ?? throw NotFound();
        AssignmentState? wanted = string.IsNullOrEmpty(state) ? null
            : AssignmentWords.ReadState(state) ?? throw ApiProblem.Field("state", $"It is one of {string.Join(", ", Enum.GetValues<AssignmentState>().Select(AssignmentWords.State))}.");
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        var rows = await store.ListDevices(reader.Scope, row.Assignment.Id, wanted, after, limit + 1);
        return Page.Of(rows, limit, AssignmentDeviceView.Of, one => one.EnrolmentId);
    }

    /// <summary>What one iPad should have.</summary>
    public async Task<DeviceAssignmentsView> Of(FleetUser reader, string deviceId)
    {
        var device = await lookup.Row(deviceId);
        var standings = await store.ListOfDevice(device.Id);
        var known = (await store.FindAll([.. standings.Select(one => one.Standing.AssignmentId)])).ToDictionary(row => row.Assignment.Id);
        var queue = standings.Any(one => one.Standing.State is AssignmentState.Sent or AssignmentState.Removing) ? await grains.GetGrain<IDeviceGrain>(device.Id).Describe() : null;
        return new DeviceAssignmentsView
        {
            Items =
            [
                .. standings.Where(one => known.ContainsKey(one.Standing.AssignmentId))
                    .Select(one => (known[one.Standing.AssignmentId].Assignment, one.Standing))
                    .OrderBy(one => one.Assignment.Name, StringComparer.OrdinalIgnoreCase)
                    .Select(one => new DeviceAssignmentView
                    {
                        AssignmentId = one.Assignment.Id,
                        IsOpen = IsOpen(reader, one.Assignment),
                        Name = one.Assignment.Name,
                        Kind = AssignmentWords.Kind(one.Assignment.Kind),
                        State = AssignmentWords.State(one.Standing.State),
                        Since = one.Standing.ChangedAt,
                        Words = AssignmentWords.Sentence(one.Standing, queue),
                        TriedAgainAt = AssignmentWords.TriedAgainAt(one.Standing),
                        CommandUuid = one.Standing.CommandUuid,
                    }),
            ],
            ForUsers = await OfUsers(reader, device),
        };
    }

    private async Task<IReadOnlyList<UsersAssignmentView>> OfUsers(FleetUser reader, DeviceRow device)
    {
        if (device.Kind == EnrolmentKind.SharedUser) return [];
        var standings = (await store.ListOfUsers(device.Id)).ToLookup(one => one.Standing.AssignmentId);
        var ids = standings.Select(one => one.Key).Union(await store.MatchUsersOf(device.Id, time.GetUtcNow())).ToList();
        return
        [
            .. (await store.FindAll(ids)).OrderBy(row => row.Assignment.Name, StringComparer.OrdinalIgnoreCase).Select(row =>
            {
                var users = AssignmentCountsView.Of(standings[row.Assignment.Id].GroupBy(one => one.Standing.State).Select(state => new AssignmentCount(row.Assignment.Id, state.Key, state.LongCount())));
                return new UsersAssignmentView
                {
                    AssignmentId = row.Assignment.Id,
                    IsOpen = IsOpen(reader, row.Assignment),
                    Name = row.Assignment.Name,
                    Users = users,
                    Words = AssignmentWords.OfUsers(device.IsShared, users),
                };
            }),
        ];
    }

    private static bool IsOpen(FleetUser reader, Assignment assignment) =>
        assignment.Kind != AssignmentKind.Classroom && (reader.Scope.SchoolIds is not { } own || (assignment.SchoolId is { } school && own.Contains(school)));

    private async Task Write(Func<Task<AssignmentOutcome>> write)
    {
        AssignmentOutcome outcome;
        try
        {
            outcome = await write();
        }
        catch (FilterException e)
        {
            throw ApiProblem.Field(e.IsOfException ? "except" : "target", e.Message, ProblemCodes.InvalidFilter);
        }

        switch (outcome)
        {
            case AssignmentOutcome.Written:
                break;
            case AssignmentOutcome.NotFound:
                throw NotFound();
            case AssignmentOutcome.VersionConflict:
                throw EntityTag.Changed("the assignment");
            case AssignmentOutcome.NameTaken:
                throw ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another assignment has this name.");
            case AssignmentOutcome.UnknownSchool:
                throw ApiProblem.Field("schoolId", "There is no such school.");
            case AssignmentOutcome.UnknownReference:
                throw ApiProblem.Field("profileId", "It is not there any more.");
            default:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many assignments", $"There can be {IAssignmentStore.MostAssignments} assignments.");
        }

        // It is durable: iPads come to it by themselves if nobody can be told now.
        await grains.GetGrain<IPlanGrain>(0).Changed();
    }

    /// <summary>What an assignment needs of a location, and whether that is there; null: nothing.</summary>
    private async Task<AssignmentLicencesView?> Licences(Assignment assignment, AssignmentPlan plan)
    {
        if (assignment.Licence is not { } licence || await content.FindAsset(licence.LocationId, licence.AdamId, licence.Pricing) is not { } asset) return null;
        return new AssignmentLicencesView
        {
            Location = asset.Location,
            Needed = plan.WithoutLicence,
            Available = asset.Asset.Available,
            OthersWaiting = plan.OthersWaiting,
            Missing = Math.Max(plan.WithoutLicence + plan.OthersWaiting - asset.Asset.Available, 0),
        };
    }

    private async Task<(Assignment Assignment, IReadOnlyList<DeviceRequirement> Requirements)> Read(HttpContext context, AssignmentRequest request, string id)
    {
        var user = FleetUser.Of(context);
        var sent = (request.ProfileId is null ? 0 : 1) + (request.App is null ? 0 : 1) + (request.Setting is null ? 0 : 1) + (request.Declaration is null ? 0 : 1) + (request.SoftwareUpdate is null ? 0 : 1)
            + (request.SharedIPad is null ? 0 : 1);
        if (sent != 1) throw ApiProblem.Field("profileId", "Send exactly one of profileId, app, setting, declaration, softwareUpdate and sharedIPad.");
        var school = string.IsNullOrEmpty(request.SchoolId) ? null : PeopleService.Id("schoolId", request.SchoolId);
        if (user.Scope.SchoolIds is { } own && (school is null || !own.Contains(school))) throw ApiProblem.Field("schoolId", "Choose one of your schools.");
        if (request.EndsAt <= (request.StartsAt ?? time.GetUtcNow())) throw ApiProblem.Field("endsAt", "It must be later than the beginning, and in the future.");
        var plain = new Assignment
        {
            Id = id,
            Version = 0,
            Name = Text.Required("name", request.Name).Trim(),
            Kind = request.ProfileId is not null ? AssignmentKind.Profile
                : request.App is not null ? AssignmentKind.App
                : request.Setting is not null ? AssignmentKind.Setting
                : request.Declaration is not null ? AssignmentKind.Declaration
                : request.SharedIPad is not null ? AssignmentKind.SharedIPad
                : AssignmentKind.SoftwareUpdate,
            Channel = AssignmentWords.ReadChannel(request.Channel),
            Item = "",
            Target = Filter("target", request.Target),
            Except = Filter("except", request.Except),
            SchoolId = school,
            Keep = request.Keep,
            StartsAt = Milliseconds(request.StartsAt),
            EndsAt = Milliseconds(request.EndsAt),
            CreatedAt = default,
            CreatedBy = "",
            UpdatedAt = default,
            UpdatedBy = "",
        };
        Require(context, plain.Kind);
        if (plain.Channel == AssignmentChannel.User && plain.Kind != AssignmentKind.Profile) throw ApiProblem.Field("channel", "Only profiles can be assigned to users.");
        if (plain.Keep && plain.Kind.IsDeclared())
            throw ApiProblem.Field("keep", "An iPad has a declaration only as long as it is declared: it cannot be left there.");
        var (assignment, requirements) = plain.Kind switch
        {
            AssignmentKind.Profile => await OfProfile(plain, request.ProfileId!),
            AssignmentKind.App => await OfApp(user, plain, request.App!.Value),
            AssignmentKind.Declaration => OfDeclaration(plain, request.Declaration!.Value),
            AssignmentKind.SoftwareUpdate => OfSoftwareUpdate(plain, request.SoftwareUpdate!),
            AssignmentKind.SharedIPad => OfSharedIPad(plain, request.SharedIPad!),
            _ => OfSetting(plain, request.Setting!.Value),
        };
        Contradicts(assignment);
        return (assignment, OperationPlans.ToStore(requirements));
    }

    private async Task<(Assignment, IReadOnlyList<Requirement>)> OfProfile(Assignment plain, string profileId)
    {
        var row = Text.Uuid(profileId) is { } uuid ? await profiles.Find(uuid.ToString("D")) : null;
        if (row is null) throw ApiProblem.Field("profileId", "The library has no such profile.");
        var content = await profiles.Load(row.Id, row.Newest.Version) ?? throw ApiProblem.Field("profileId", "The library has no such profile.");
        var requirements = CommandFitness.OfInstallation(CommandFitness.OfProfile(LibraryProfile.Stored(content).Root));
        if (plain.Channel == AssignmentChannel.User)
        {
            if (CommandFitness.Misfits(requirements, new KnownDevice(KnownKind.SharedUser) { IsShared = true }) is [var misfit, ..])
                throw ApiProblem.Field("channel", $"{misfit.Reason} Assign it to the iPads.");
            requirements = [.. requirements.Where(one => one.Kind != RequirementKind.UserChannel)];
        }

        return (plain with { Item = $"profile:{row.Id}", Reference = row.Id, Removal = row.Identifier }, requirements);
    }

    private async Task<(Assignment, IReadOnlyList<Requirement>)> OfApp(FleetUser user, Assignment plain, JsonElement app)
    {
        var written = Members("app", app);
        var bought = await Bought(user, written, plain.SchoolId is not null);
        var bundle = written[BundleId] is { } named ? named.GetValueKind() == JsonValueKind.String ? named.GetValue<string>().Trim() : throw ApiProblem.Field($"app.{BundleId}", "It must be text.") : null;
        written.Remove(BundleId);
        var hosted = written[HostedAppService.Member] is { } one && one.GetValueKind() == JsonValueKind.String ? await apps.FindOrNull(one.GetValue<string>()) : null;
        var command = CommandReader.FromJson(await apps.Resolve(Typed(InstallApplication, written), "app"), "app");
        var keys = PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin);
        if (keys.GetString("ManifestURL") is { } manifest && !(Uri.TryCreate(manifest, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps))
            throw ApiProblem.Field("app.manifestURL", "It must be an address that begins with https://. iPads take no other.");
        if (keys.GetInteger("iTunesStoreID") is <= 0) throw ApiProblem.Field("app.iTunesStoreID", "It must be the number of an app in the App Store, as in 361309726.");
        bundle = hosted?.BundleId ?? bundle ?? bought?.Asset.BundleId ?? keys.GetString("Identifier");
        if (bundle is { Length: 0 or > LongestBundleId } || bundle?.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) == true)
            throw ApiProblem.Field($"app.{BundleId}", $"It must be a bundle identifier, as in com.example.reader, of at most {LongestBundleId} characters.");
        // Without it nobody could remove the app again.
        if (bought is not null && bundle is null)
            throw ApiProblem.Field($"app.{BundleId}", "The App Store has not said yet what this app is called. Try again in a minute, or send its bundle identifier.");
        var item = bundle ?? (keys.GetInteger("iTunesStoreID") is { } store ? $"store/{store}" : keys.GetString("ManifestURL")!);
        return (With(plain with { Item = $"app:{item}", Reference = hosted?.Id, Removal = bundle, Licence = bought is null ? null : new AssignedLicence(bought.LocationId, bought.Asset.AdamId, bought.Asset.Pricing) }, command.Fragment, app), command.Requirements);
    }

    /// <summary>An app that a location owns. It is installed by the iPad's own licence, without an Apple Account. Null: it is none.</summary>
    private async Task<ContentAssetRow?> Bought(FleetUser user, JsonObject written, bool ofSchool)
    {
        var (place, pricing) = (written[Location], written[Pricing]);
        written.Remove(Location);
        written.Remove(Pricing);
        if (place is null) return pricing is null ? null : throw ApiProblem.Field($"app.{Pricing}", "It goes with location only.");
        // They are the district's, and there are only so many of them.
        if (!user.IsOfDistrict || ofSchool) throw ApiProblem.Field($"app.{Location}", "Only the district assigns apps of Apps and Books. Leave the school out, and choose its iPads by a group or a filter.");
        if (place.GetValueKind() != JsonValueKind.String || Text.Uuid(place.GetValue<string>()) is not { } location) throw ApiProblem.Field($"app.{Location}", "It must be the id of a location of Apps and Books.");
        if (pricing is not null && (pricing.GetValueKind() != JsonValueKind.String || pricing.GetValue<string>().Length > 20)) throw ApiProblem.Field($"app.{Pricing}", "It is STDQ or PLUS.");
        if (written["iTunesStoreID"] is not JsonValue number || !number.TryGetValue<long>(out var store) || store <= 0) throw ApiProblem.Field("app.iTunesStoreID", "Name the app by its number in the App Store, as in 361309726.");
        var asset = await content.FindAsset(location.ToString("D"), store.ToString(System.Globalization.CultureInfo.InvariantCulture), pricing?.GetValue<string>())
            ?? throw ApiProblem.Field($"app.{Location}", "The location does not own this app, or does not exist. Buy it in Apple School Manager, also when it is free, and have Apple asked.");
        if (!asset.Asset.DeviceAssignable || asset.Asset.ProductType != "App") throw ApiProblem.Field("app.iTunesStoreID", "Apple lets only people have it, and no iPads.");
        if (written["options"] is JsonObject options) options["purchaseMethod"] = 1;
        else written["options"] = new JsonObject { ["purchaseMethod"] = 1 };
        return asset;
    }

    private (Assignment, IReadOnlyList<Requirement>) OfSetting(Assignment plain, JsonElement setting)
    {
        var item = Members("setting", setting);
        var command = CommandReader.FromJson(Typed(Settings, new JsonObject { ["settings"] = new JsonArray(item.DeepClone()) }), "setting", "/settings/0");
        var name = PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin).GetArray("Settings")?.OfType<PlistDictionary>().FirstOrDefault()?.GetString("Item")
            ?? throw ApiProblem.Field("setting.item", "Name the item of Settings, as in DeviceName.");
        if (command.Warnings.FirstOrDefault(warning => warning.Field.EndsWith("item", StringComparison.OrdinalIgnoreCase)) is { } unknown) throw ApiProblem.Field("setting.item", unknown.Message);
        if (name == SharedIPadConfiguration.Item) throw ApiProblem.Field("setting.item", "Send it as sharedIPad: it has rules of its own.");
        if (Deeds.Contains(name)) throw ApiProblem.Field("setting.item", $"{name} cannot be assigned. Send it as a command.");
        if (name == "TimeZone" && setting.TryGetProperty("timeZone", out var zone)) TimeZones.Read("setting.timeZone", zone.ToString());
        if (ProfileVariables.FaultsOf(PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin)) is [var fault, ..])
            throw ApiProblem.Field("setting", fault.Message);
        return (With(plain with { Item = $"setting:{name}" }, command.Fragment, setting), command.Requirements);
    }

    private static (Assignment, IReadOnlyList<Requirement>) OfSharedIPad(Assignment plain, SharedIPadRequest request)
    {
        var configuration = request.ToConfiguration();
        if (configuration.Faults() is [var first, ..] faults)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The configuration is not valid", first.Words)
            {
                Errors = faults.GroupBy(fault => fault.Field).ToDictionary(group => $"{SharedIPad}.{group.Key}", group => group.Select(fault => fault.Words).ToArray()),
            };
        }

        var command = CommandCatalogue.FromPlist(configuration.ToCommand());
        // As a setting: two of them want the same thing of an iPad.
        return (
            With(plain with { Item = $"setting:{SharedIPadConfiguration.Item}" }, command.Fragment, JsonSerializer.SerializeToElement(request, AdminJson.Default.SharedIPadRequest)),
            command.Requirements);
    }

    private static (Assignment, IReadOnlyList<Requirement>) OfDeclaration(Assignment plain, JsonElement declaration)
    {
        var thing = Declared("declaration", () => DeclaredThing.FromJson(declaration));
        if (ProfileVariables.In(new PlistDictionary { ["All"] = System.Text.Encoding.UTF8.GetString(thing.ToBytes()) }) is [var variable, ..])
            throw ApiProblem.Field("declaration.payload", $"It has the variable {{{{{variable}}}}}. Variables are not filled in in declarations.", ProblemCodes.InvalidCommand);
        // Two of a type that counts once want the same thing; others stand beside each other.
        return (With(plain with { Item = thing.IsSingle ? $"declaration:{thing.Type}" : $"declaration:{thing.Type}:{plain.Id}" }, thing.ToBytes(), declaration), thing.Requirements());
    }

    private static (Assignment, IReadOnlyList<Requirement>) OfSoftwareUpdate(Assignment plain, SoftwareUpdateRequest request)
    {
        var thing = Declared("softwareUpdate", () => SoftwareUpdateOrder.Of(request.Version, request.Build, request.Deadline, request.DetailsUrl).ToThing());
        var asked = JsonSerializer.SerializeToElement(request, AdminJson.Default.SoftwareUpdateRequest);
        return (With(plain with { Item = $"update:{plain.Id}" }, thing.ToBytes(), asked), thing.Requirements());
    }

    private static DeclaredThing Declared(string prefix, Func<DeclaredThing> read)
    {
        try
        {
            return read();
        }
        catch (CommandFieldException e)
        {
            throw CommandReader.Invalid(e, prefix);
        }
        catch (InvalidOperationException)
        {
            throw ApiProblem.Field(prefix, "It holds text that is not valid Unicode.", ProblemCodes.InvalidCommand);
        }
    }

    private static JsonObject Members(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw ApiProblem.Field(field, "It must be an object.");
        var members = JsonObject.Create(value)!;
        if (members.ContainsKey("requestType")) throw ApiProblem.Field($"{field}.requestType", "Leave it out.");
        return members;
    }

    private static JsonElement Typed(string requestType, JsonObject members)
    {
        var typed = new JsonObject { ["requestType"] = requestType };
        foreach (var (name, value) in members) typed[name] = value?.DeepClone();
        return JsonSerializer.SerializeToElement(typed);
    }

    /// <summary>One whose doing moves the iPad out of it, and back, for ever.</summary>
    private void Contradicts(Assignment assignment)
    {
        if (assignment.Removal is not { } identifier) return;
        var asked = assignment.Kind == AssignmentKind.Profile ? (FilterField.HasProfile, FilterField.MissingProfile) : (FilterField.HasApp, FilterField.MissingApp);
        foreach (var (field, text) in new[] { ("target", assignment.Target), ("except", assignment.Except) })
        {
            if (text is not null && DeviceFilters.Read(field, text, time.GetUtcNow())!.Node.Leaves().OfType<FilterCondition>()
                    .Any(one => (one.Field == asked.Item1 || one.Field == asked.Item2) && one.Value is FilterText value && value.Text == identifier))
                throw ApiProblem.Field(field, $"It asks whether the iPad has {identifier}, which this assignment brings: iPads would come and go for ever.");
        }
    }

    private static void Require(HttpContext context, AssignmentKind kind) => CommandRights.Require(context, kind switch
    {
        AssignmentKind.Profile => ProfileCommand.Install,
        AssignmentKind.App => InstallApplication,
        AssignmentKind.Declaration or AssignmentKind.SoftwareUpdate => DeclarationCommands.RequestType,
        _ => Settings,
    });

    private static string Member(AssignmentKind kind) => kind switch
    {
        AssignmentKind.Profile => "profileId",
        AssignmentKind.App => "app",
        AssignmentKind.Declaration => "declaration",
        AssignmentKind.SoftwareUpdate => "softwareUpdate",
        AssignmentKind.SharedIPad => SharedIPad,
        _ => "setting",
    };

    private static Assignment With(Assignment plain, byte[] fragment, JsonElement asked) => plain with
    {
        Command = fragment,
        Asked = JsonSerializer.SerializeToUtf8Bytes(asked, AdminJson.Default.JsonElement),
    };

    private static string? Filter(string field, string? text) => string.IsNullOrWhiteSpace(text) ? null : DeviceFilters.Check(field, text.Trim());

    private static DateTimeOffset? Milliseconds(DateTimeOffset? at) => at is { } one ? DateTimeOffset.FromUnixTimeMilliseconds(one.ToUnixTimeMilliseconds()) : null;

    private async Task<AssignmentRow?> Row(FleetUser reader, string id) => Text.Uuid(id) is { } uuid ? await store.Find(reader.Scope, uuid.ToString("D")) : null;

    private static PlanExampleView Example(LeftOutRow row) => new(row.EnrolmentId, row.SerialNumber, row.DeviceName, row.OsVersion);

    private static string Told(Assignment assignment) =>
        Text.Printable($"{assignment.Name}: {assignment.Item}{(assignment.Channel == AssignmentChannel.User ? " for users" : "")}{(assignment.Target is { } target ? $" to {target}" : "")}{(assignment.Except is { } except ? $" but not {except}" : "")}", 200);

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such assignment.");
}
