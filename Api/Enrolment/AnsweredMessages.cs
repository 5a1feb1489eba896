using System.Buffers.Binary;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// The answers to SCEP messages, kept for a minute: the same message again costs no signature, no decryption, no write and no line in the log. An iPad that
/// did not get its answer repeats its message and gets the same answer; only the one who signed the message can open it.
/// </summary>
/// <remarks>At most <see cref="RefusedCapacity"/> refusals of some 3 KB and <see cref="GrantedCapacity"/> certificates of some 5 KB; the oldest goes first, and
/// costs only the work of answering it anew. Refusals do not push out certificates. One lock, held for a look-up.</remarks>
public sealed class AnsweredMessages(TimeProvider time)
{
    private const int RefusedCapacity = 2048;
    private const int GrantedCapacity = 1024;

    private readonly Memory _refused = new(RefusedCapacity);
    private readonly Memory _granted = new(GrantedCapacity);

    /// <summary>128 bits of a SHA-256: who finds another message with them gets an answer that is not his, and cannot open it.</summary>
    /// <param name="signed">See <see cref="Protocol.Identity.ScepRequest.HashOfSigned"/>.</param>
    public static UInt128 KeyOf(ReadOnlySpan<byte> signed) => BinaryPrimitives.ReadUInt128BigEndian(signed);

    /// <summary>What the message was answered; null when it is not known, or no longer.</summary>
    public byte[]? Find(UInt128 key)
    {
        var now = time.GetUtcNow();
        return _refused.Find(key, now) ?? _granted.Find(key, now);
    }

    public void AddRefusal(UInt128 key, byte[] answer) => _refused.Add(key, answer, time.GetUtcNow());

    public void AddCertificate(UInt128 key, byte[] answer) => _granted.Add(key, answer, time.GetUtcNow());

    private sealed class Memory(int capacity)
    {
        private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

        private readonly Lock _gate = new();
        private readonly Dictionary<UInt128, (byte[] Answer, DateTimeOffset Until)> _answers = [];
        private readonly Queue<(UInt128 Key, DateTimeOffset Until)> _order = new();

        public byte[]? Find(UInt128 key, DateTimeOffset now)
        {
            lock (_gate)
            {
                return _answers.TryGetValue(key, out var kept) && kept.Until > now ? kept.Answer : null;
            }
        }

        public void Add(UInt128 key, byte[] answer, DateTimeOffset now)
        {
            lock (_gate)
            {
                while (_order.TryPeek(out var oldest) && (_order.Count >= capacity || oldest.Until <= now))
                {
                    _answers.Remove(oldest.Key);
                    _order.Dequeue();
                }

                if (_answers.TryAdd(key, (answer, now + KeptFor))) _order.Enqueue((key, now + KeptFor));
            }
        }
    }
}
