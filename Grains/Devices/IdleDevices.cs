using System.Collections.Concurrent;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;

namespace FleetMdm.Grains.Devices;

// Nearly all polls find nothing, and a call to a grain costs as much as all else that such a poll needs. So:
//
//   1. a grain that has answered Idle with nothing leaves word here, with the number and the time of its memory and the certificate
//   2. the next poll finds the word, and it holds by the same conditions by which the grain would believe its memory
//   3. the grain takes its word back before it does anything else than answering Idle with nothing, and when it ends
//
// So a poll that comes after a command was accepted (202) never finds the word; one that came before may be answered with nothing after it,
// as it may by the grain.

/// <inheritdoc cref="IIdleDevices"/>
/// <remarks>Safe for any number of threads. Bounded by the grains that are active: one entry for each at most.</remarks>
public sealed class IdleDevices(QueueEpoch epoch, NodeLease lease, SeenBuffer seen, TimeProvider clock) : IIdleDevices
{
    private readonly ConcurrentDictionary<string, IdleWord> _words = new(StringComparer.Ordinal);

    public bool HasNothing(string enrolmentId, ReadOnlySpan<byte> sha256)
    {
        if (!_words.TryGetValue(enrolmentId, out var word) || !sha256.SequenceEqual(word.Sha256)) return false;
        var now = clock.GetUtcNow();
        if (!lease.IsHeld || now >= word.Until || !word.Memory.IsBelieved(epoch, now)) return false;
        seen.Mark(enrolmentId, now);
        return true;
    }

    public void Leave(string enrolmentId, IdleWord word) => _words[enrolmentId] = word;

    public void TakeBack(string enrolmentId) => _words.TryRemove(enrolmentId, out _);
}

/// <summary>What a grain leaves word of.</summary>
/// <param name="Sha256">Of the newest pinned certificate; no other one is let in by this word.</param>
/// <param name="Memory">The memory that says so.</param>
/// <param name="Until">From then on the grain wants to be asked: it has a question for the iPad.</param>
public sealed record IdleWord(byte[] Sha256, MemoryOfRows Memory, DateTimeOffset Until);
