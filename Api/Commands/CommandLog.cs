using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Commands;

/// <summary>All commands of an enrolment, waiting and finished, as one list; for REST and for the console.</summary>
internal sealed class CommandLog(IDeviceStore store, IFleetQueries fleet, DeviceLookup lookup)
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
        return Page.Of(rows, limit, row => row.View, row => row.Sequence.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>One command with the iPad's answer; null when this enrolment never had it.</summary>
    public async Task<(CommandView View, byte[]? Answer)?> Find(string id, string commandUuid)
    {
        var queued = (await store.Load(id)).Queue.FirstOrDefault(row => row.CommandUuid == commandUuid);
        if (queued is not null)
        {
            var live = await lookup.Describe(id);
            return (CommandView.Of(queued, live?.Queue.FirstOrDefault(command => command.CommandUuid == commandUuid)), null);
        }

        if (await fleet.FindHistory(id, commandUuid) is not { } row) return null;
        var answer = row.Result ?? (row.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        return (CommandView.Of(row, answer is null ? null : Render(answer)), answer);
    }

    /// <summary>What stands under this UUID, waiting or finished; null when there is nothing.</summary>
    public async Task<Standing?> FindStanding(string id, string commandUuid)
    {
        if ((await store.Load(id)).Queue.FirstOrDefault(row => row.CommandUuid == commandUuid) is { } queued)
            return new Standing(queued.BodyHash, queued.AcceptedAt, queued.ExpiresAt, IsFinished: false);
        return await fleet.FindHistory(id, commandUuid) is { } row ? new Standing(row.BodyHash, row.AcceptedAt, null, IsFinished: true) : null;
    }

    /// <param name="BodyHash">SHA-256 of the Command dictionary.</param>
    public sealed record Standing(byte[] BodyHash, DateTimeOffset AcceptedAt, DateTimeOffset? ExpiresAt, bool IsFinished);

    private static long? Cursor(string? after)
    {
        if (after is null) return null;
        return long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            ? sequence
            : throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
    }

    private static JsonElement? Render(byte[] answer)
    {
        PlistNode node;
        try
        {
            node = PlistReader.Read(answer, PlistLimits.Admin);
        }
        catch (PlistFormatException)
        {
            // Read well when it came; a reader that grew stricter since must not hide the command. The raw answer can still be had.
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>(answer.Length);
        using (var writer = new Utf8JsonWriter(buffer)) PlistJson.Write(writer, node);
        return JsonElement.Parse(buffer.WrittenSpan, new JsonDocumentOptions { MaxDepth = 2 * PlistLimits.HighestDepth });
    }
}
