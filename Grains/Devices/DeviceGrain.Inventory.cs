using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

// An answer that tells a list:
//
//   1. the same digest as what is stored   one comparison; the time is written with the answer, and nothing is read
//   2. another one                         the answer is read, and what is stored; the difference is written with the answer
//
// Lists are not kept in memory, only their digests, and those only where the iPad was asked since the grain woke.

internal sealed partial class DeviceGrain
{
    /// <summary>Of what is stored; null: not looked up since the rows were read.</summary>
    private Dictionary<InventoryList, Guid>? _digests;

    /// <summary>What an answer changes in the inventory; null: nothing.</summary>
    /// <param name="requestType">Of the command that was answered.</param>
    /// <param name="bodyHash">Of the command: whether it asked for everything.</param>
    private async ValueTask<InventoryChange?> Told(string requestType, byte[] bodyHash, CommandReportMessage report, DateTimeOffset now)
    {
        // A user of a Shared iPad is asked about himself, and not about the iPad.
        if (IsUserChannel) return null;
        if (InventoryLists.EndsLostMode(requestType)) return InventoryLists.ForgetLocation(now);
        if (InventoryLists.Of(requestType) is not { } list) return null;
        if (await store.LoadBody(bodyHash) is not { } asked || !InventoryReader.AsksForAll(asked)) return null;

        var before = await Digest(list);
        if (list != InventoryList.Location && (report.InventoryDigest is not { } came || before == came))
            return report.InventoryDigest is { } same ? InventoryLists.Same(list, same, now) : null;

        var bytes = report.Result ?? (report.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        if (bytes is null || InventoryReader.KindOf(requestType) is not { } kind || InventoryReader.Read(kind, bytes) is not { } told) return null;
        var stored = before is null ? [] : await inventory.ListItems(Id, list, null, InventoryReader.MostEntries);
        if (list == InventoryList.Location) told = InventoryLists.WithPast(told, stored, now);
        return InventoryLists.Difference(list, before, stored, told, report.InventoryDigest ?? DigestOf(told), now);
    }

    /// <summary>Asks the iPad, which is here and has nothing else to do, what is due. See <see cref="RefreshPart"/>.</summary>
    private async ValueTask<DeviceReply?> Refresh()
    {
        var (now, row) = (Now(), _row!);
        var lists = await inventory.FindLists(Id);
        var waiting = _queue.Commands.Select(command => command.Row.RequestType).ToHashSet(StringComparer.Ordinal);
        var due = RefreshPart.Due(row, lists.ToDictionary(list => list.List, list => list.AsOf), waiting, refresh.Value, now);

        // First: what goes wrong after this costs one round.
        var next = RefreshPart.Next(Id, refresh.Value, now);
        await inventory.Schedule(Id, next);
        _row = row with { RefreshAt = next };
        _refreshAt = next;
        foreach (var command in due)
        {
            var append = store.Append(new QueueAppend
            {
                EnrolmentId = Id,
                CommandUuid = RefreshQuestions.NewUuid(),
                RequestType = command.RequestType,
                Body = command.Fragment,
                AcceptedAt = now,
                ExpiresAt = now + RefreshPart.GoodFor,
            });
            await Durably(append);
        }

        // The store has given the rows their places in the queue.
        if (due.Count > 0) await Read();
        _digests = lists.ToDictionary(list => list.List, list => list.Digest);
        return await Next();
    }

    private async ValueTask<Guid?> Digest(InventoryList list)
    {
        _digests ??= (await inventory.FindLists(Id)).ToDictionary(row => row.List, row => row.Digest);
        return _digests.TryGetValue(list, out var digest) ? digest : null;
    }

    /// <summary>After it was written.</summary>
    private void Keep(InventoryChange change)
    {
        if (_digests is null) return;
        if (change.Forget) _digests.Remove(change.List);
        else _digests[change.List] = change.Digest;
    }

    /// <summary>Of an answer without a list in it.</summary>
    private static Guid DigestOf(InventoryAnswer told) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(told.Entries.Select(entry => entry.Details)))).AsSpan(0, 16));
}
