using System.Buffers;
using FleetMdm.Api.Limits;

namespace FleetMdm.Api.CheckIn;

/// <summary>The body of one message, in memory of its own size. Give it back when the answer is written.</summary>
public readonly struct MessageBody : IDisposable
{
    private readonly MessageBodyReader _reader;
    private readonly byte[] _buffer;
    private readonly int _length;
    private readonly long _reserved;

    internal MessageBody(MessageBodyReader reader, byte[] buffer, int length, long reserved) =>
        (_reader, _buffer, _length, _reserved) = (reader, buffer, length, reserved);

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _reader.Release(_reserved);
    }
}

/// <summary>Reads bodies within bounds: each one by the limit, all large ones together by a budget.</summary>
/// <remarks>Any thread. The budget counts what has arrived, whatever a sender says that it will send. When the budget is spent, a large body is refused with 503 and its iPad comes again; small ones, and so
/// every check-in and poll, are never refused by it.</remarks>
public sealed class MessageBodyReader
{
    /// <summary>Up to this size a body does not count: admission bounds how many there are at once.</summary>
    private const int Small = 64 * 1024;

    /// <summary>Memory for all large bodies of this process: 16 of the largest that the default limit allows.</summary>
    private const long LargeBudget = 256L * 1024 * 1024;

    private long _large;

    public enum Outcome
    {
        Read,
        TooLarge,
        Full,
        /// <summary>It did not arrive in time.</summary>
        TooSlow,
        /// <summary>The iPad went away in the middle.</summary>
        Broken,
    }

    public async ValueTask<(Outcome Outcome, MessageBody Body)> Read(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        if (request.ContentLength > limit) return (Outcome.TooLarge, default);

        var reserved = 0L;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp((request.ContentLength ?? 4095) + 1, 512, Small));
        var kept = false;
        try
        {
            if (TryTakeWhole(request, buffer, limit, out var length))
            {
                kept = true;
                return (Outcome.Read, new MessageBody(this, buffer, length, reserved));
            }

            while (true)
            {
                if (length == buffer.Length)
                {
                    if (length > limit) return (Outcome.TooLarge, default);
                    // At most twice of what has arrived, and no more than was announced.
                    var wanted = Math.Min(buffer.Length * 2L, Math.Min(request.ContentLength ?? limit, limit) + 1);
                    if (wanted > Small)
                    {
                        var more = wanted - reserved;
                        reserved = wanted;
                        if (Interlocked.Add(ref _large, more) > LargeBudget) return (Outcome.Full, default);
                    }

                    var larger = ArrayPool<byte>.Shared.Rent((int)wanted);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                var read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellationToken);
                if (read == 0) break;
                length += read;
                if (length > limit) return (Outcome.TooLarge, default);
            }

            kept = true;
            return (Outcome.Read, new MessageBody(this, buffer, length, reserved));
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (Outcome.TooLarge, default);
        }
        catch (Exception) when (BodyDeadline.HasPassedFor(request.HttpContext))
        {
            return (Outcome.TooSlow, default);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            return (Outcome.TooSlow, default);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
        {
            return (Outcome.Broken, default);
        }
        finally
        {
            if (!kept)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                Release(reserved);
            }
        }
    }

    /// <summary>A small body is here with its headers, as a rule: then there is nothing to wait for.</summary>
    private static bool TryTakeWhole(HttpRequest request, byte[] buffer, int limit, out int length)
    {
        length = 0;
        var reader = request.BodyReader;
        if (!reader.TryRead(out var read)) return false;
        var whole = read.IsCompleted && read.Buffer.Length <= Math.Min(buffer.Length, limit);
        if (whole)
        {
            read.Buffer.CopyTo(buffer);
            length = (int)read.Buffer.Length;
        }

        reader.AdvanceTo(whole ? read.Buffer.End : read.Buffer.Start);
        return whole;
    }

    internal void Release(long reserved)
    {
        if (reserved > 0) Interlocked.Add(ref _large, -reserved);
    }
}
