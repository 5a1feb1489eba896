using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Automated;

/// <summary>Servers of Automated Device Enrolment and their iPads, for REST and for the console.</summary>
internal sealed class AutomatedService(
    IAutomatedStore store, IAutomatedHoldStore holds, IGrainFactory grains, EnrolmentAuthority authority, SecretSealer sealer, AuditTrail trail, TimeProvider time)
{
    private const string CodePrefix = "server-token-";

    /// <summary>The invitation of a server: nobody sees it, and it does not end by itself.</summary>
    private static readonly DateTimeOffset Never = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly (string Name, AutomatedState? State, bool? Released)[] States =
    [
        ("none", AutomatedState.None, null), ("waiting", AutomatedState.Waiting, null), ("assigned", AutomatedState.Assigned, null), ("failed", AutomatedState.Failed, null),
        ("throttled", AutomatedState.Throttled, null), ("notAccessible", AutomatedState.NotAccessible, null), ("released", null, true),
    ];

    public async Task<Page<AutomatedServerView>> List(FleetUser reader)
    {
        var counts = await store.Count(reader.Scope);
        var views = new List<AutomatedServerView>();
        foreach (var row in await store.ListServers(reader.Scope)) views.Add(View(row, counts, live: null));
        return new Page<AutomatedServerView>(views, null);
    }

    public async Task<AutomatedServerView> Get(FleetUser reader, string id)
    {
        var row = await store.FindServer(reader.Scope, id) ?? throw NotFound();
        return View(row, await store.Count(reader.Scope), await grains.GetGrain<IAutomatedServerGrain>(id).Describe());
    }

    public async Task<AutomatedServerView> Create(HttpContext context, AutomatedServerRequest request)
    {
        var (user, now) = (FleetUser.Of(context), time.GetUtcNow());
        var id = RequestIds.NewGuid(context, "automated-server").ToString("D");
        var name = Text.Required("name", request.Name?.Trim());
        var (certificate, key) = await Key(id, now);
        var server = new AutomatedServer
        {
            Id = id,
            Version = 1,
            Name = name,
            Certificate = certificate,
            SealedKey = key,
            KeyMadeAt = now,
            InvitationId = $"automated-{Convert.ToHexStringLower(RequestIds.NewBytes(context, "automated-invitation", 20))}",
            ProfileId = request.ProfileId,
            CreatedAt = now,
            CreatedBy = user.Name,
            UpdatedAt = now,
            UpdatedBy = user.Name,
        };
        var invitation = new Invitation { Id = server.InvitationId, Name = $"Automated enrolment: {name}", CreatedAt = now, ExpiresAt = Never, CreatedBy = user.Name };
        Refuse(await store.CreateServer(server, invitation, Entry(context, AuditVerbs.AutomatedCreate, id, name)));
        return await Get(user, id);
    }

    /// <param name="basedOn">The version that the change was made from; null: whatever stands.</param>
    public Task<AutomatedServerView> Change(HttpContext context, string id, int? basedOn, AutomatedServerRequest request) => EntityTag.Attempt(basedOn, async () =>
    {
        var user = FleetUser.Of(context);
        var standing = (await store.FindServer(user.Scope, id) ?? throw NotFound()).Server;
        var server = standing with
        {
            Version = (basedOn ?? standing.Version) + 1,
            Name = Text.Required("name", request.Name?.Trim()),
            ProfileId = request.ProfileId,
            UpdatedAt = time.GetUtcNow(),
            UpdatedBy = user.Name,
        };
        Refuse(await store.ChangeServer(server, Entry(context, AuditVerbs.AutomatedChange, id, server.Name)));
        await grains.GetGrain<IAutomatedServerGrain>(id).Wake();
        return await Get(user, id);
    });

    public async Task Delete(HttpContext context, string id)
    {
        var standing = (await store.FindServer(FleetUser.Of(context).Scope, id) ?? throw NotFound()).Server;
        Refuse(await store.DeleteServer(id, time.GetUtcNow(), Entry(context, AuditVerbs.AutomatedDelete, id, standing.Name)));
    }

    /// <summary>What is uploaded in Apple School Manager.</summary>
    public async Task<(string FileName, byte[] Pem)> Certificate(FleetUser reader, string id)
    {
        var server = (await store.FindServer(reader.Scope, id) ?? throw NotFound()).Server;
        var name = new string([.. server.Name.Where(char.IsAsciiLetterOrDigit).Take(40)]);
        return ($"fleetmdm-{(name.Length > 0 ? name : "server")}.pem", Encoding.ASCII.GetBytes(ServerKey.ToPem(server.Certificate) + "\n"));
    }

    public async Task<AutomatedServerView> NewKey(HttpContext context, string id)
    {
        var (user, now) = (FleetUser.Of(context), time.GetUtcNow());
        var standing = (await store.FindServer(user.Scope, id) ?? throw NotFound()).Server;
        var (certificate, key) = await Key(id, now);
        Refuse(await store.SetKey(id, certificate, key, now, user.Name, Entry(context, AuditVerbs.AutomatedKey, id, standing.Name)));
        return await Get(user, id);
    }

    public async Task<AutomatedTokenUploadView> TakeToken(HttpContext context, string id, byte[] file)
    {
        var user = FleetUser.Of(context);
        var standing = (await store.FindServer(user.Scope, id) ?? throw NotFound()).Server;
        if (file.Length == 0) throw ApiProblem.Field("token", "Choose the file that \"Download Token\" gives in Apple School Manager.");
        await trail.Record(context, AuditVerbs.AutomatedToken, AuditTargets.AutomatedServer, id, detail: standing.Name);
        var taken = await grains.GetGrain<IAutomatedServerGrain>(id).TakeToken(new AutomatedTokenUpload(file, user.Name));
        if (taken.Problem is { } problem)
        {
            if (taken.ProblemCode == "NotFound") throw NotFound();
            throw new ApiProblem(taken.Unavailable ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status422UnprocessableEntity, Code(taken.ProblemCode!), "The server token cannot be used", problem)
            {
                Errors = taken.Unavailable ? null : new Dictionary<string, string[]> { ["token"] = [problem] },
                RetryAfter = taken.Unavailable ? 60 : null,
            };
        }

        return new AutomatedTokenUploadView(await Get(user, id), taken.Note);
    }

    public async Task<AutomatedServerView> Sync(HttpContext context, string id, bool all)
    {
        var user = FleetUser.Of(context);
        var standing = (await store.FindServer(user.Scope, id) ?? throw NotFound()).Server;
        if (standing.SealedToken is null) throw ApiProblem.Conflict(ProblemCodes.NotYet, "There is no token yet", "Upload the server token first.");
        await trail.Record(context, AuditVerbs.AutomatedSync, AuditTargets.AutomatedServer, id, detail: all ? $"{standing.Name}, the whole list" : standing.Name);
        await grains.GetGrain<IAutomatedServerGrain>(id).SyncNow(all);
        return await Get(user, id);
    }

    public async Task WakeAll(FleetUser user)
    {
        foreach (var row in await store.ListServers(user.Scope)) await grains.GetGrain<IAutomatedServerGrain>(row.Server.Id).Wake();
    }

    public async Task<AutomatedMigrationsView> Migrations(FleetUser reader)
    {
        var counts = await store.CountMigrations(reader.Scope, time.GetUtcNow(), AutomatedMigrations.FirstDays, AutomatedMigrations.NextDays, AutomatedMigrations.LastDays);
        return new AutomatedMigrationsView(counts.Comes, counts.Within[0], counts.Within[1], counts.Within[2], counts.Late, counts.Came, counts.Leaves);
    }

    public async Task<Page<AutomatedDeviceView>> Devices(FleetUser reader, string? server, string? state, string? school, string? migration, string? text, string? after, int limit)
    {
        if (after is not null && PlaceholderCsv.SerialFault(after) is not null) throw ApiProblem.InvalidCursor();
        var now = time.GetUtcNow();
        var rows = await store.ListDevices(reader.Scope, Filter(server, state, school, migration, text) with { Now = now }, after, limit + 1);
        return Page.Of(rows, limit, row => AutomatedDeviceView.Of(row, now), row => row.Device.Apple.SerialNumber);
    }

    public static AutomatedDeviceFilter Filter(string? server, string? state, string? school, string? migration, string? text)
    {
        if (migration is not null && AutomatedMigrations.All.All(one => one.Name != migration))
            throw ApiProblem.Field("migration", $"It must be one of {string.Join(", ", AutomatedMigrations.All.Select(one => one.Name))}.");
        var wanted = state is null ? default : Array.Find(States, one => one.Name == state);
        if (state is not null && wanted.Name is null) throw ApiProblem.Field("state", $"It must be one of {string.Join(", ", States.Select(one => one.Name))}.");
        var search = Text.Optional("q", string.IsNullOrWhiteSpace(text) ? null : text.Trim(), 20);
        return new AutomatedDeviceFilter
        {
            ServerId = Text.Optional("server", string.IsNullOrWhiteSpace(server) ? null : server),
            State = wanted.State,
            Released = wanted.Released,
            School = Text.Optional("school", string.IsNullOrWhiteSpace(school) ? null : school),
            Migration = migration is null ? null : AutomatedMigrations.All.First(one => one.Name == migration).Value,
            Text = search,
        };
    }

    /// <summary>Null: Apple has never had it on a service here.</summary>
    public async Task<AutomatedDeviceView?> Find(FleetUser reader, string serialNumber) =>
        await Row(reader, serialNumber) is { } row ? AutomatedDeviceView.Of(row, time.GetUtcNow()) : null;

    public async Task<AutomatedDeviceView> Device(FleetUser reader, string serialNumber)
    {
        var row = await Row(reader, serialNumber) ?? throw NoDevice();
        var view = AutomatedDeviceView.Of(row, time.GetUtcNow());
        if (row.Migration != AutomatedMigration.Comes) return view;
        var profile = row.WantedId is { } id ? await store.FindProfile(reader.Scope, id) : null;
        return view with { MigrationObstacle = AutomatedMigrations.Obstacle(row.Device, profile is null ? null : AutomatedProfileService.DefinitionOf(profile)) };
    }

    private async Task<AutomatedDeviceRow?> Row(FleetUser reader, string serialNumber) =>
        PlaceholderCsv.SerialFault(serialNumber) is null ? await store.FindDevice(reader.Scope, serialNumber) : null;

    public async Task<AutomatedDeviceView> Choose(HttpContext context, string serialNumber, string? profileId)
    {
        var user = FleetUser.Of(context);
        var device = await Device(user, serialNumber);
        var outcome = await store.ChooseForDevice(
            device.SerialNumber, profileId, time.GetUtcNow(), trail.Entry(context, AuditVerbs.AutomatedChoose, AuditTargets.Placeholder, device.SerialNumber, detail: await AutomatedProfileService.NameOf(store, user, profileId)));
        if (outcome == AutomatedOutcome.UnknownProfile) throw ApiProblem.Field("profileId", "There is no such enrolment profile.");
        if (outcome != AutomatedOutcome.Written) throw NoDevice();
        await grains.GetGrain<IAutomatedServerGrain>(device.ServerId).Wake();
        return await Device(user, serialNumber);
    }

    public async Task<Page<AutomatedHoldView>> Held(FleetUser reader, string? state, string? after, int limit)
    {
        HoldState? wanted = state switch
        {
            null => null,
            "held" => HoldState.Held,
            "letGo" => HoldState.LetGo,
            "letGoIncomplete" => HoldState.LetGoIncomplete,
            "left" => HoldState.Left,
            _ => throw ApiProblem.Field("state", "It must be held, letGo, letGoIncomplete or left."),
        };
        if (after is not null && Text.EnrolmentId(after) is null) throw ApiProblem.InvalidCursor();
        return Page.Of(await holds.List(reader.Scope, wanted, after, limit + 1), limit, AutomatedHoldView.Of, row => row.Hold.DeviceId);
    }

    public async Task Dismiss(HttpContext context, string deviceId)
    {
        if (Text.EnrolmentId(deviceId) is not { } id || !await holds.Dismiss(id, trail.Entry(context, AuditVerbs.AutomatedDismiss, AuditTargets.Device, id)))
            throw ApiProblem.NotFound("There is no such iPad on the list of those that were let go.");
    }

    private async Task<(byte[] Certificate, byte[] SealedKey)> Key(string id, DateTimeOffset now)
    {
        var organization = (await authority.Get()).Organization;
        // Takes up to a second.
        var (certificate, key) = await Task.Run(() => ServerKey.Create(organization, now));
        try
        {
            return (certificate, sealer.Seal(AutomatedServer.KeyPurpose(id), key));
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(key);
        }
    }

    private AutomatedServerView View(AutomatedServerRow row, IReadOnlyList<AutomatedCount> counts, AutomatedServerLive? live)
    {
        var server = row.Server;
        long Of(AutomatedState state) => counts.FirstOrDefault(one => one.ServerId == server.Id && one.State == state)?.Count ?? 0;
        return new AutomatedServerView
        {
            Id = server.Id,
            Version = server.Version,
            Name = server.Name,
            Token = server.TokenExpiresAt is { } ends ? new AutomatedTokenView(ends, DaysLeft(ends), server.TokenAt, server.TokenBy) : null,
            Service = server.AppleUuid is null && server.AppleName is null ? null : new AutomatedServiceView(server.AppleName, server.AppleUuid, server.Organization, server.OrganizationId),
            Problem = server.Problem == AutomatedProblem.None ? null
                : new AutomatedProblemView(char.ToLowerInvariant(server.Problem.ToString()[0]) + server.Problem.ToString()[1..], server.ProblemDetail ?? "", server.ProblemAt),
            ProfileId = server.ProfileId,
            ProfileName = row.ProfileName,
            Devices = row.Devices,
            Released = row.Released,
            Counts = new AutomatedCountsView(Of(AutomatedState.None), Of(AutomatedState.Waiting), Of(AutomatedState.Assigned), Of(AutomatedState.Failed), Of(AutomatedState.Throttled), Of(AutomatedState.NotAccessible)),
            KeyMadeAt = server.KeyMadeAt,
            SyncedAt = live?.CheckedAt > server.SyncedAt ? live.CheckedAt : server.SyncedAt,
            FetchedAt = server.FetchedAt,
            NextAt = server.NextAt,
            Working = live?.Working ?? false,
            CreatedAt = server.CreatedAt,
            UpdatedAt = server.UpdatedAt,
        };
    }

    private int DaysLeft(DateTimeOffset ends) => Math.Max(0, (int)(ends - time.GetUtcNow()).TotalDays);

    private AuditRecord Entry(HttpContext context, string verb, string id, string name) => trail.Entry(context, verb, AuditTargets.AutomatedServer, id, detail: name);

    /// <summary><c>OtherKey</c> → <c>server-token-other-key</c>.</summary>
    private static string Code(string problem)
    {
        var code = new StringBuilder(CodePrefix);
        foreach (var c in problem)
        {
            if (char.IsAsciiLetterUpper(c) && code.Length > CodePrefix.Length) code.Append('-');
            code.Append(char.ToLowerInvariant(c));
        }

        return code.ToString();
    }

    private static void Refuse(AutomatedOutcome outcome)
    {
        switch (outcome)
        {
            case AutomatedOutcome.Written:
                return;
            case AutomatedOutcome.VersionConflict:
                throw EntityTag.Changed("the server");
            case AutomatedOutcome.NameTaken:
                throw ApiProblem.Taken("name", ProblemCodes.NameTaken, "Another server has this name.");
            case AutomatedOutcome.UnknownProfile:
                throw ApiProblem.Field("profileId", "There is no such enrolment profile.");
            case AutomatedOutcome.TooMany:
                throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many servers", $"There may be {IAutomatedStore.MostServers} servers. Delete one that is not used.");
            default:
                throw NotFound();
        }
    }

    private static ApiProblem NotFound() => ApiProblem.NotFound("There is no such server of Automated Device Enrolment.");

    private static ApiProblem NoDevice() => ApiProblem.NotFound("No server of Automated Device Enrolment knows this serial number.");
}
