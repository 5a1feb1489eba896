using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// The answers to SCEP messages that were refused for what they are, kept for a minute: the same bytes again cost no signature, no decryption and no
/// line in the log.
/// </summary>
/// <remarks>At most <see cref="Capacity"/> of some 3 KB each; the oldest goes first, and costs only the work of refusing it anew. One lock, held for a
/// look-up.</remarks>
public sealed class RefusedMessages(TimeProvider time)
{
    private const int Capacity = 2048;

    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, (byte[] Answer, DateTimeOffset Until)> _answers = [];
    private readonly Queue<(UInt128 Hash, DateTimeOffset Until)> _order = new();

    /// <summary>128 bits of SHA-256: who finds another message with them gets a refusal that is not his.</summary>
    public static UInt128 HashOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(message));

    /// <summary>What the message was answered; null when it is not known, or no longer.</summary>
    public byte[]? Find(UInt128 hash)
    {
        lock (_gate)
        {
            return _answers.TryGetValue(hash, out var kept) && kept.Until > time.GetUtcNow() ? kept.Answer : null;
        }
    }

    public void Add(UInt128 hash, byte[] answer)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            while (_order.TryPeek(out var oldest) && (_order.Count >= Capacity || oldest.Until <= now))
            {
                _answers.Remove(oldest.Hash);
                _order.Dequeue();
            }

            _answers[hash] = (answer, now + KeptFor);
            _order.Enqueue((hash, now + KeptFor));
        }
    }
}
