using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// Which bodies a lane has lately noted as used (see <see cref="BodySql"/>): one command goes to thousands, and not each of its endings
/// need ask the database whether that was noted.
/// </summary>
/// <remarks>Of one lane's loop. What it forgets is noted once more.</remarks>
internal sealed class UsedBodies
{
    /// <summary>With <see cref="BodySql.RefreshAfter"/> far below <see cref="BodySql.KeepUnusedFor"/>.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromHours(1);

    private const int Most = 10_000;

    private readonly Dictionary<BodyKey, DateTimeOffset> _noted = [];

    internal readonly record struct Use(byte[] Hash, DateTimeOffset At);

    /// <summary>The bodies of commands and reports that are to be noted as used; each once.</summary>
    public List<Use> ToNote(IEnumerable<QueueFinish> finishes)
    {
        Dictionary<BodyKey, Use>? uses = null;
        foreach (var finish in finishes)
        {
            Look(finish.BodyHash, finish.FinishedAt);
            if (finish.ResultHash is { } report)
                Look(report, finish.FinishedAt);
        }

        return uses is null ? [] : [.. uses.Values];

        void Look(byte[] hash, DateTimeOffset at)
        {
            var key = new BodyKey(hash);
            // A clock that went back notes it once more.
            if (_noted.TryGetValue(key, out var noted) && at >= noted && at - noted < Lately)
                return;
            uses ??= [];
            if (!uses.TryGetValue(key, out var use) || use.At < at)
                uses[key] = new Use(hash, at);
        }
    }

    /// <summary>They are noted, durably.</summary>
    public void Noted(List<Use> uses)
    {
        if (_noted.Count + uses.Count > Most)
            _noted.Clear();
        foreach (var use in uses)
            _noted[new BodyKey(use.Hash)] = use.At;
    }
}
