using System.Globalization;

namespace FleetMdm.Api.Rest;

/// <summary>Lists of people and of serial numbers: how large, and how many a node reads at a time. Each takes some hundred megabytes while it is read.</summary>
public sealed class ListReading(TimeProvider time) : IDisposable
{
    /// <summary>Of a file; 100,000 rows of 100 characters in UTF-16. The sentences and the documentation say 24 MiB.</summary>
    public const int MostBytes = 24 * 1024 * 1024;

    public const int AtOnce = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _turns = new(AtOnce, AtOnce);

    public void Dispose() => _turns.Dispose();

    /// <summary>Waits a little for a turn, which ends when it is disposed.</summary>
    /// <exception cref="ApiProblem">503: others are still read.</exception>
    public async Task<IDisposable> Enter(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _turns.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ApiProblem(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy, "Other files are being read",
                $"This server reads {AtOnce} files of people or serial numbers at a time, and others are still read. Send it again in half a minute.")
            {
                RetryAfter = 30,
            };
        }

        return new Turn(_turns);
    }

    internal static ApiProblem Unreadable(CsvException e) => new(StatusCodes.Status400BadRequest, ProblemCodes.InvalidCsv, "The file cannot be read", e.Message);

    internal static ApiProblem WrongLines(long count) => new(StatusCodes.Status422UnprocessableEntity, ProblemCodes.InvalidCsv, "Lines of the file are wrong", string.Create(CultureInfo.InvariantCulture,
        $"{count} lines are wrong. Nothing was applied. Correct them, or upload the file again and leave wrong lines out."));

    /// <summary>Of the query parameter onError: whether wrong lines are left out.</summary>
    internal static bool Skips(string? onError) => onError switch
    {
        null or "refuse" => false,
        "skip" => true,
        _ => throw ApiProblem.Field("onError", "It must be refuse or skip."),
    };

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        private SemaphoreSlim? _turns = turns;

        public void Dispose() => Interlocked.Exchange(ref _turns, null)?.Release();
    }
}
