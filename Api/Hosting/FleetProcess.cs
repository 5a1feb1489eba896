using System.Net.Sockets;
using FleetMdm.Api.Limits;
using FleetMdm.Storage;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>Starts and stops a server process. Whatever keeps it from starting is one sentence and exit code 1 or 2.</summary>
public static class FleetProcess
{
    /// <summary>A wrong option or argument.</summary>
    public const int WrongUsage = 2;

    /// <summary>Something outside is missing: a database, a port, a disk.</summary>
    public const int CannotRun = 1;

    /// <summary>The process ran and cannot go on; started again, it can.</summary>
    public const int MustRestart = 3;

    /// <summary>Builds the host, runs <paramref name="run"/> with it, and turns what failed into a sentence.</summary>
    public static async Task<int> Run(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (Sentence(e) is { } sentence)
        {
            await System.Console.Error.WriteLineAsync($"fleetmdm: {sentence.Text}");
            return sentence.ExitCode;
        }
    }

    /// <summary>True until the server listens.</summary>
    internal static bool IsStarting { get; private set; }

    /// <summary>Checks the options, then starts everything; the store brings its schema up to date first (or refuses).</summary>
    /// <remarks>What keeps it from starting ends the process at once, with its sentence: nothing was promised yet, and taking a
    /// half-started silo apart only hides the sentence among its complaints.</remarks>
    public static async Task Start(WebApplication app, CancellationToken cancellationToken)
    {
        IsStarting = true;
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            app.Services.GetService<ServerCertificates>()?.Load();
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (Sentence(e) is { } sentence)
        {
            await System.Console.Error.WriteLineAsync($"fleetmdm: {sentence.Text}");
            Environment.Exit(sentence.ExitCode);
        }

        IsStarting = false;
        app.Services.GetService<ConnectionLimit>()?.Announce();
    }

    private static (string Text, int ExitCode)? Sentence(Exception exception) => exception switch
    {
        FleetStartException e => (e.Message, WrongUsage),
        StorageConfigurationException e => (e.Message, WrongUsage),
        OptionsValidationException e => (string.Join(" ", e.Failures), WrongUsage),

        // Raised by the binder for a value of the wrong kind.
        InvalidOperationException e when e.StackTrace?.Contains("ConfigurationBinder", StringComparison.Ordinal) == true =>
            ($"An option is wrong: {e.Message}{(e.InnerException is { } inner ? " " + inner.Message : "")}", WrongUsage),
        InvalidDataException or FormatException when exception.StackTrace?.Contains("Configuration", StringComparison.Ordinal) == true =>
            ($"appsettings.json cannot be read: {(exception.InnerException ?? exception).Message}", WrongUsage),

        StoreUnavailableException e => (e.Message, CannotRun),
        IOException { InnerException: AddressInUseException or SocketException } e => ($"The server cannot listen: {e.Message}", CannotRun),
        SocketException e => ($"The server cannot listen: {e.Message}.", CannotRun),
        UnauthorizedAccessException or IOException => (exception.Message, CannotRun),
        AggregateException { InnerExceptions: [var only] } => Sentence(only),
        { InnerException: { } inner } => Sentence(inner),
        _ => null,
    };
}
