using System.Collections.Concurrent;
using FleetMdm.Grains.Devices;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Profiles;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Assignments;

/// <summary>All that is assigned, as this node last read it: one immutable plan with a number.</summary>
/// <remarks>
/// Any thread. An iPad that has nothing to do never asks for it. One that has comes with the number of the plan that its rows were written by. What profiles hold is read once for
/// each version; only what decides is kept, and what was sent last.
/// </remarks>
internal sealed partial class PlanHolder(IAssignmentStore store, IProfileStore profiles, TimeProvider clock, ILogger<PlanHolder> logger)
{
    private const int MostBodies = 32;

    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _reading = new(1);
    private readonly ConcurrentDictionary<(string Id, int Wanted, int Revision), PlanContent?> _contents = new();
    private readonly ConcurrentDictionary<PlanContent, byte[]> _bodies = new(ReferenceEqualityComparer.Instance);
    private Held? _held;

    /// <param name="atLeast">The number of the plan that the one who asks has seen: an older one is read anew.</param>
    public ValueTask<IReadOnlyDictionary<string, PlanEntry>> Current(long atLeast) =>
        Volatile.Read(ref _held) is { } held && held.Number >= atLeast ? new(held.Entries) : new(Read(held => held.Number >= atLeast));

    /// <summary>For those who have seen none: a few seconds old at most.</summary>
    public ValueTask<IReadOnlyDictionary<string, PlanEntry>> Recent() =>
        Volatile.Read(ref _held) is { } held && clock.GetElapsedTime(held.AskedAt) < Believed ? new(held.Entries) : new(Read(null));

    /// <param name="isEnough">Null: the newest is asked for.</param>
    private async Task<IReadOnlyDictionary<string, PlanEntry>> Read(Func<Held, bool>? isEnough)
    {
        await _reading.WaitAsync();
        try
        {
            var asked = clock.GetTimestamp();
            if (_held is { } now)
            {
                if (isEnough is null ? clock.GetElapsedTime(now.AskedAt) < Believed : isEnough(now)) return now.Entries;
                if (isEnough is null && await store.Number() == now.Number)
                {
                    Volatile.Write(ref _held, now with { AskedAt = asked });
                    return now.Entries;
                }
            }

            var (number, rows) = await store.Load();
            var entries = new Dictionary<string, PlanEntry>(StringComparer.Ordinal);
            foreach (var row in rows)
            {
                if (await Content(row) is { } content)
                {
                    var one = row.Assignment;
                    entries[one.Id] = new PlanEntry(
                        one.Id, one.Name, one.Item, row.Wanted, one.Phase == AssignmentPhase.InForce, one.Keep, (one.SchoolId is not null, one.CreatedAt), content)
                    {
                        Licence = one.Licence,
                        ForUsers = one.Channel == AssignmentChannel.User,
                    };
                }
            }

            var kept = rows.Select(row => Key(row)).ToHashSet();
            foreach (var key in _contents.Keys.Where(key => !kept.Contains(key))) _contents.TryRemove(key, out _);
            Volatile.Write(ref _held, new Held(number, asked, entries));
            return entries;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>What is put into the queue; null: it is not there any more. Thousands of iPads get the same, one after the other: it is read once for them.</summary>
    public async ValueTask<byte[]?> Body(PlanEntry entry)
    {
        if (_bodies.TryGetValue(entry.Content, out var known)) return known;
        if (await ReadBody(entry.Id) is not { } body) return null;
        if (_bodies.Count >= MostBodies) _bodies.Clear();
        return _bodies[entry.Content] = body;
    }

    private async Task<byte[]?> ReadBody(string assignmentId)
    {
        if (await store.Find(Storage.Scope.District, assignmentId) is not { } row) return null;
        if (row.Assignment.Kind != AssignmentKind.Profile) return row.Assignment.Command;
        if (row.ProfileVersion is not { } version || await profiles.FindVersion(row.Assignment.Reference!, version) is not { } known) return null;
        if (await profiles.Load(row.Assignment.Reference!, version) is not { } content) return null;
        // Whoever answers the iPad puts its values in, and signs.
        return known.Signed ? ProfileCommand.WithProfile(content) : ProfileCommand.Template(content);
    }

    private async Task<PlanContent?> Content(AssignmentRow row)
    {
        if (_contents.TryGetValue(Key(row), out var known)) return known;
        PlanContent? content = null;
        try
        {
            var one = row.Assignment;
            if (one.Kind == AssignmentKind.Classroom) content = PlanContent.OfClassroom;
            else if (one.Kind.IsDeclared()) content = PlanContent.OfDeclaration(one.Command!, one.Id, one.Name);
            else if (one.Kind != AssignmentKind.Profile) content = PlanContent.OfCommand(one.Command!, one.Name, one.Removal);
            else if (row.ProfileVersion is { } version && await profiles.Load(one.Reference!, version) is { } profile) content = PlanContent.OfProfile(profile);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or System.Security.Cryptography.CryptographicException)
        {
            // It does nothing, and holds nothing else up.
            LogNotRead(row.Assignment.Id, row.Assignment.Name, e);
        }

        return _contents[Key(row)] = content;
    }

    private static (string Id, int Wanted, int Revision) Key(AssignmentRow row) => (row.Assignment.Id, row.Wanted, row.Assignment.Version);

    private sealed record Held(long Number, long AskedAt, IReadOnlyDictionary<string, PlanEntry> Entries);

    [LoggerMessage(2490, LogLevel.Error, "What the assignment {Id} ({Name}) sends cannot be read. iPads do not get it; save the assignment again")]
    private partial void LogNotRead(string id, string name, Exception exception);
}
