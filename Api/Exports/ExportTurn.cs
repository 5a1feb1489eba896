using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Exports;

/// <summary>One export at a time on a node: each reads the whole database.</summary>
internal sealed class ExportTurn : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Ends when it is disposed.</summary>
    /// <exception cref="ApiProblem">409: there is one.</exception>
    public IDisposable Enter() => _turn.Wait(0)
        ? new Turn(_turn)
        : throw ApiProblem.Conflict(ProblemCodes.ExportRunning, "Another export is running", "This server makes one export at a time. Try again when the other one has ended.");

    public void Dispose() => _turn.Dispose();

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        private SemaphoreSlim? _turn = turn;

        public void Dispose() => Interlocked.Exchange(ref _turn, null)?.Release();
    }
}
