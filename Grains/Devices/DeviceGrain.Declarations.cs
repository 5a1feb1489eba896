using System.Security.Cryptography;
using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// Declarative management (DeclarationPart decides; here it is read, written and answered):
//
//   tokens               what stands for the set that it should have: memory, or one read
//   declaration-items    the list of the set; that it was fetched is written first
//   declaration/…        out of the set whose list the iPad has, whatever was assigned since
//   status               the same report again: one comparison. Else it is laid over what is known, and only what it changes is written
//
// A poll asks for nothing of this. The command that asks an iPad to look is queued by the plan (DeviceGrain.Plan.cs), and gets the newest tokens when it is handed over.

internal sealed partial class DeviceGrain
{
    private const int DigestLength = 16;

    private static readonly byte[] LookAtDeclarations = Plain(DeclarationCommands.RequestType);

    /// <summary>As it is stored; what an earlier enrolment had does not count.</summary>
    private DeclarationDevice? _declared;
    private bool _declaredIsRead;

    /// <summary>Queued in this turn. When what was decided with it could not be written, it is the one that is decided on next.</summary>
    private string? _queuedAsk;

    /// <summary>Of the last report that said nothing new.</summary>
    private string? _reported;

    public async ValueTask<DeviceReply> DeclarativeManagement(DeclarativeManagementMessage message, PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        // Users of a Shared iPad have no declarations of their own yet: their sets are empty, and stay so.
        var device = IsUserChannel || _row is not { Status: EnrolmentStatus.Enrolled, EnrolledAt: not null } ? null : await Declared();
        switch (message.Endpoint)
        {
            case "tokens":
                return DeviceReply.Json(Tokens(device));
            case "declaration-items":
                var set = device is null ? DeclarationSet.Empty : await SetOf(device.Wanted);
                if (device is not null && device.Fetched != device.Wanted && !await Learn(known => known with { Fetched = device.Wanted, FetchedAt = Now() })) throw ChangedAgain();
                return DeviceReply.Json(set.Items());
            case "status":
                return IsUserChannel || _row is not { Status: EnrolmentStatus.Enrolled, EnrolledAt: not null } ? DeviceReply.Empty : await TakeStatus(message.Data);
            case var endpoint when endpoint.StartsWith("declaration/", StringComparison.Ordinal):
                return DeclarationSet.Asked(endpoint) is { } asked && device is not null && await Find(device, asked.Kind, asked.Identifier) is { } declaration
                    ? DeviceReply.Json(declaration.ToJson())
                    : DeviceReply.Refused(DeviceRefusal.DeclarationNotFound);
            default:
                return DeviceReply.Refused(DeviceRefusal.BadMessage);
        }
    }

    /// <summary>What was announced to it, and else what it should have: it asks for what it has seen in a list.</summary>
    private async ValueTask<Declaration?> Find(DeclarationDevice device, DeclarationKind kind, string identifier) =>
        (device.Fetched is { } fetched ? (await SetOf(fetched)).Find(kind, identifier) : null) ?? (await SetOf(device.Wanted)).Find(kind, identifier);

    private async ValueTask<DeclarationSet> SetOf(string token) =>
        await declarationSets.Find(token) ?? throw new FleetUnavailableException($"The declarations of {Id} were changed at the same moment.");

    private byte[] Tokens(DeclarationDevice? device) =>
        DeclarationSet.Tokens(device?.Wanted ?? DeclarationSet.EmptyToken, device?.WantedAt ?? _row!.EnrolledAt ?? _row.AuthenticatedAt ?? _memory.ReadAt);

    private async ValueTask<DeviceReply> TakeStatus(byte[]? data)
    {
        // It says nothing.
        if (data is not { Length: > 0 }) return DeviceReply.Empty;
        var device = await Declared();
        var hash = Convert.ToHexStringLower(SHA256.HashData(data).AsSpan(0, DigestLength));
        if ((device is not null && hash == _reported) || hash == device?.ReportHash) return DeviceReply.Empty;

        StatusReport report;
        try
        {
            report = StatusReport.Read(data);
        }
        catch (FormatException e)
        {
            LogStatusNotRead(Id, data.Length, e.Message);
            return DeviceReply.Refused(DeviceRefusal.BadMessage);
        }

        var before = DeviceStatus.Read(device?.Status);
        var wanted = device is null ? DeclarationSet.Empty : await SetOf(device.Wanted);
        var after = before.With(report, (list, identifier) => wanted.Declarations.FirstOrDefault(one => one.Identifier == identifier && DeviceStatus.ListOf(one.Kind) == list)?.ServerToken);
        var json = after.ToJson();
        if (json == (device?.Status ?? DeviceStatus.Nothing.ToJson()))
        {
            _reported = hash;
            return DeviceReply.Empty;
        }

        var now = Now();
        // Only what it says now: what was said long ago may be older than what DeviceInformation told since.
        await TakeFacts(new DeviceStatus(report.Items, [], []), now);
        if (!await Learn(known => known with { Status = json, ReportHash = hash, ReportedAt = now })) throw ChangedAgain();
        _reported = hash;
        return DeviceReply.Empty;
    }

    /// <summary>What the report says of the iPad itself goes where an answer to DeviceInformation would.</summary>
    private async ValueTask TakeFacts(DeviceStatus status, DateTimeOffset now)
    {
        var row = _row!;
        var learnt = row with
        {
            OsVersion = Told(status.Text("device.operating-system.version")) ?? row.OsVersion,
            BuildVersion = Told(status.Text("device.operating-system.build-version")) ?? row.BuildVersion,
            ModelName = Told(status.Text("device.model.marketing-name")) ?? row.ModelName,
        };
        if (learnt == row) return;
        await Commit(new EnrolmentChange { Row = NextVersion(learnt), WriteId = Guid.NewGuid(), At = now });
        FactsChanged();

        static string? Told(string? text) => text is { Length: > 0 and <= 100 } && !text.Any(char.IsControl) ? text : null;
    }

    /// <summary>As it is stored, of this enrolment; null: nothing was declared to it, and it has said nothing.</summary>
    private async ValueTask<DeclarationDevice?> Declared()
    {
        if (!_declaredIsRead)
        {
            _declared = await declarations.Find(DeviceId);
            _declaredIsRead = true;
        }

        return _declared is { } found && found.EnrolledAt == _row!.EnrolledAt ? found : null;
    }

    private void ForgetDeclared() => (_declared, _declaredIsRead, _reported) = (null, false, null);

    /// <summary>Writes what the iPad has done or said, with all that follows from it.</summary>
    /// <returns>False: others changed the same again and again.</returns>
    private async ValueTask<bool> Learn(Func<DeclarationDevice, DeclarationDevice> learn)
    {
        _queuedAsk = null;
        for (var attempt = 1; attempt <= MostAttempts; attempt++)
        {
            var (rows, number) = await assignments.Standings(Id);
            var plan = await plans.Current(number);
            var now = Now();
            var standing = await Declared() ?? new DeclarationDevice
            {
                DeviceId = DeviceId,
                Version = _declared?.Version ?? 0,
                EnrolledAt = _row!.EnrolledAt!.Value,
                Wanted = DeclarationSet.EmptyToken,
                WantedAt = now,
            };
            if (await Declare([.. rows.Where(row => IsDeclared(plan, row.Standing.AssignmentId))], plan, null, learn(standing), now) is not { } sent) continue;
            // It is in the middle of a conversation of its own: it is told of the command.
            if (sent || _planChanged) RequestPush();

            return true;
        }

        return false;
    }

    private static bool IsDeclared(IReadOnlyDictionary<string, PlanEntry> plan, string assignmentId) => plan.GetValueOrDefault(assignmentId)?.Content.Declarations is not null;

    /// <summary>Works out what the iPad should have by declarations, writes it, and queues the command that tells the iPad.</summary>
    /// <param name="rows">Of assignments that declare something.</param>
    /// <returns>Whether a command was queued; null: nothing was written, others have changed it in between.</returns>
    private async ValueTask<bool?> Declare(
        IReadOnlyList<AssignmentStandingRow> rows, IReadOnlyDictionary<string, PlanEntry> plan, IReadOnlySet<string>? matches, DeclarationDevice? learnt, DateTimeOffset now)
    {
        var row = _row!;
        await Declared();
        var before = _declared;
        var status = DeviceStatus.Read((learnt ?? (before?.EnrolledAt == row.EnrolledAt ? before : null))?.Status);
        var own = _queue.Commands.Where(command => DeclarationCommands.Is(command.Row.CommandUuid)).ToList();
        var items = StatusSubscriptions.Items(KnownOf(row), status.SupportedItems());
        var decided = DeclarationPart.Decide(rows, plan, before, learnt, DeviceId, new DeclarationKnown
        {
            Now = now,
            EnrolledAt = row.EnrolledAt ?? now,
            Matches = matches,
            Misfit = content => Unfit(row, status, content),
            OsVersion = row.OsVersion,
            BuildVersion = row.BuildVersion,
            IsAsked = own.Count > 0,
            IsInFlight = own.Exists(command => command.InFlight),
            QueuedUuid = own.LastOrDefault()?.Row.CommandUuid,
            Always = items.Count == 0 ? null : ($"status:{string.Join(' ', items)}", StatusSubscriptions.Declarations(items)),
            Compile = declarationSets.Of,
            NewUuid = () => _queuedAsk ?? DeclarationCommands.NewUuid(),
        });
        if (decided.After is null && decided.Changes.Count == 0) return false;

        // The command first: once the row says that the iPad is asked, it is. Should this node die in between, the iPad is asked once more.
        if (decided.CommandUuid is { } uuid && uuid != _queuedAsk)
        {
            await Durably(store.Append(new QueueAppend { EnrolmentId = Id, CommandUuid = uuid, RequestType = DeclarationCommands.RequestType, Body = LookAtDeclarations, AcceptedAt = now }));
            // The row of the queue is there only when it is read.
            (_queuedAsk, _believed) = (uuid, false);
        }

        // Without a row of its own it is declared nothing: it cannot have what is assigned, or has it already.
        var write = decided.After is { } after
            ? declarations.Write(new DeclarationChange(before, after, decided.Set.Declarations.Count > 0 && before?.Wanted != after.Wanted ? decided.Set.ToBytes() : null, decided.Changes))
            : assignments.Write(Id, decided.Changes);
        await Durably(write);
        if (!await write)
        {
            ForgetDeclared();
            return null;
        }

        _declared = decided.After ?? before;
        if (decided.CommandUuid is null) return false;
        LogDeclared(Id, decided.Set.Token);
        return true;
    }

    /// <summary>What speaks against something on this iPad by what is known of it at hand; null: nothing.</summary>
    private static string? Unfit(DeviceRow row, DeviceStatus status, PlanContent content)
    {
        if (FitnessPart.Misfits(row, [], null, content.Requirements) is { Count: > 0 } misfits)
        {
            var reasons = string.Join(' ', misfits.Select(one => one.Reason));
            return content.Update is not null && misfits.Any(one => one.Code == CommandFitness.CodeOf(RequirementKind.Since)) ? $"{reasons} Send the command ScheduleOSUpdate instead." : reasons;
        }

        var thing = content.Declarations![0];
        return status.Supported(DeviceStatus.ListOf(thing.Kind)) is { Count: > 0 } known && !known.Contains(thing.Type) ? $"This iPad says that it does not know {thing.Type}." : null;
    }

    private static KnownDevice KnownOf(DeviceRow row) => new((KnownKind)row.Kind) { OsVersion = row.OsVersion, IsSupervised = row.IsSupervised, IsShared = row.IsShared };

    /// <summary>The command that tells the iPad to look, with the newest tokens, which spare it a request.</summary>
    private async ValueTask<byte[]> WithTokens() => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = DeclarationCommands.RequestType, ["Data"] = Tokens(IsUserChannel ? null : await Declared()) });

    private FleetUnavailableException ChangedAgain() => new($"The declarations of {Id} were changed again and again at the same moment.");

    [LoggerMessage(2640, LogLevel.Information, "{Id}: its declarations changed, and it is asked to look at them ({Token})")]
    private partial void LogDeclared(string id, string token);

    [LoggerMessage(2641, LogLevel.Warning, "{Id}: a status report of {Bytes} bytes could not be read and was refused: {Fault}")]
    private partial void LogStatusNotRead(string id, int bytes, string fault);
}
