using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Api.Commands;

/// <summary>All commands of an enrolment, waiting and finished, as one list; for REST and for the console.</summary>
internal sealed class CommandLog(IDeviceStore store, IFleetQueries fleet, IAuditStore audit, IExamStore exams, AuditTrail trail, DeviceLookup lookup)
{
    /// <summary>Newest accepted first. The cursor is the sequence of the last row of a page.</summary>
    public async Task<Page<CommandView>> List(string id, string? after, int limit)
    {
        var before = Cursor(after);
        await lookup.Row(id);

        // The queue first: a command that finishes meanwhile is then in both, never in neither.
        var live = await lookup.Describe(id);
        var queue = (await store.Load(id)).Queue;
        var history = await fleet.ListHistory(id, before, limit + 1);

        var states = (live?.Queue ?? []).ToDictionary(command => command.CommandUuid);
        var finished = history.Select(row => row.Sequence).ToHashSet();
        List<(long Sequence, CommandView View)> rows =
        [
            .. history.Select(row => (row.Sequence, CommandView.Of(row))),
            .. queue.Where(row => (before is null || row.Sequence < before) && !finished.Contains(row.Sequence))
                .Select(row => (row.Sequence, CommandView.Of(row, states.GetValueOrDefault(row.CommandUuid)))),
        ];
        rows.Sort((a, b) => b.Sequence.CompareTo(a.Sequence));
        var page = Page.Of(rows, limit, row => row.View, row => row.Sequence.ToString(CultureInfo.InvariantCulture));
        return page with { Items = await WithSenders(id, page.Items) };
    }

    /// <summary>One command with the iPad's answer; null when this enrolment never had it. A secret in the answer is shown to those who may see secrets
    /// and say why, and that is recorded first; for others it is hidden, and so is the raw answer.</summary>
    /// <param name="said">Why somebody looks, where the request has no header that says it.</param>
    public async Task<(CommandView View, byte[]? Answer)?> Find(HttpContext context, string id, string commandUuid, string? said = null)
    {
        if (await FindBare(id, commandUuid) is not var (view, answer)) return null;
        view = (await WithSenders(id, [view]))[0];
        if (answer is null) return (view, null);

        var (node, problem) = Read(answer);
        view = view with { ErrorChain = node is PlistDictionary report ? CommandErrorView.Of(report) : [], ResultProblem = problem };
        // What cannot be read may hold anything.
        if (node is not null && !SecretAnswers.Has(node)) return (view with { Result = Render(node, answer.Length) }, answer);

        var may = FleetUser.Of(context).MaySeeSecrets;
        var reason = AuditReason.Said(context, said);
        if (!may || reason is null)
            return (view with { Result = node is null ? null : Render(SecretAnswers.Hide(node), answer.Length), SecretsHidden = true, ReasonNeeded = may }, null);

        await trail.Record(context, AuditVerbs.SecretRead, AuditTargets.Device, id, commandUuid, view.RequestType, reason);
        return (view with { Result = node is null ? null : Render(node, answer.Length) }, answer);
    }

    /// <summary>Names who sent each: a person's command by its own record, an operation's by the operation's.</summary>
    private async Task<IReadOnlyList<CommandView>> WithSenders(string id, IReadOnlyList<CommandView> commands)
    {
        if (commands.Count == 0) return commands;
        var since = commands.Min(command => command.AcceptedAt);
        var own = await audit.FindSenders(id, [.. commands.Where(command => command.OperationId is null).Select(command => command.CommandUuid)], since);
        var operations = await audit.FindStarters([.. commands.Select(command => command.OperationId).OfType<string>().Distinct()]);
        var examined = await exams.OfCommands(id, [.. commands.Select(command => command.CommandUuid).Where(ExamCommands.Is)]);
        return [.. commands.Select(command =>
            ExamCommands.Is(command.CommandUuid) ? examined.TryGetValue(command.CommandUuid, out var exam)
                ? command with { RequestedBy = exam.CreatedBy, Exam = $"{(exam.IsLesson ? "lesson" : "exam")} {exam.Name}" }
                : command with { RequestedBy = CommandSummary.Server }
            : (command.OperationId is { } operation ? operations.GetValueOrDefault(operation) : own.GetValueOrDefault(command.CommandUuid)) is { } record
                ? command with
                {
                    RequestedBy = record.Actor.Kind == ActorKind.Server ? CommandSummary.Server : record.Actor.Name,
                    RequestedById = record.Actor.Id,
                    Profile = record.TargetKind == AuditTargets.Profile ? record.Detail : null,
                }
                : command)];
    }

    /// <summary>The same without who sent it, and with the answer as it came: for who looks for one value in it, and shows nothing else.</summary>
    internal async Task<(CommandView View, byte[]? Answer)?> FindBare(string id, string commandUuid)
    {
        var queued = (await store.Load(id)).Queue.FirstOrDefault(row => row.CommandUuid == commandUuid);
        if (queued is not null)
        {
            var live = await lookup.Describe(id);
            return (CommandView.Of(queued, live?.Queue.FirstOrDefault(command => command.CommandUuid == commandUuid)), null);
        }

        if (await fleet.FindHistory(id, commandUuid) is not { } row) return null;
        var answer = row.Result ?? (row.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        return (CommandView.Of(row), answer);
    }

    /// <summary>What stands under this UUID, waiting or finished; null when there is nothing.</summary>
    public async Task<Standing?> FindStanding(string id, string commandUuid)
    {
        if ((await store.Load(id)).Queue.FirstOrDefault(row => row.CommandUuid == commandUuid) is { } queued)
            return new Standing(queued.RequestType, queued.BodyHash, queued.AcceptedAt, queued.ExpiresAt, IsFinished: false);
        return await fleet.FindHistory(id, commandUuid) is { } row ? new Standing(row.RequestType, row.BodyHash, row.AcceptedAt, null, IsFinished: true) : null;
    }

    /// <summary>Whether what stands there is this very Command dictionary.</summary>
    public bool IsSame(Standing standing, byte[] command) => store.IsBody(standing.BodyHash, command);

    /// <param name="BodyHash">Keyed hash of the Command dictionary.</param>
    public sealed record Standing(string RequestType, byte[] BodyHash, DateTimeOffset AcceptedAt, DateTimeOffset? ExpiresAt, bool IsFinished);

    private static long? Cursor(string? after)
    {
        if (after is null) return null;
        return long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            ? sequence
            : throw ApiProblem.InvalidCursor();
    }

    /// <summary>The answer, and what is wrong with it. One that holds what XML cannot carry is shown without that; the bytes stay as they came.</summary>
    private static (PlistNode? Answer, string? Problem) Read(byte[] answer)
    {
        try
        {
            return (PlistReader.Read(answer, PlistLimits.Admin), null);
        }
        catch (PlistFormatException wrong)
        {
            try
            {
                return (PlistReader.Read(DamagedReportReader.Clean(answer), PlistLimits.Admin), wrong.Message);
            }
            catch (PlistFormatException)
            {
                return (null, wrong.Message);
            }
        }
    }

    private static JsonElement Render(PlistNode node, int length)
    {
        var buffer = new ArrayBufferWriter<byte>(length);
        using (var writer = new Utf8JsonWriter(buffer)) PlistJson.Write(writer, node);
        return JsonElement.Parse(buffer.WrittenSpan, new JsonDocumentOptions { MaxDepth = 2 * PlistLimits.HighestDepth });
    }
}
