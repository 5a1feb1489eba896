using System.Net.Sockets;
using System.Runtime.InteropServices;
using FleetMdm.Api.Limits;
using FleetMdm.Storage;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>Starts and stops a server process. Whatever keeps it from starting is one sentence and exit code 1 or 2.</summary>
public static partial class FleetProcess
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
    /// half-started silo apart only hides the sentence among its complaints. So does SIGTERM before the server listens, without a sentence.</remarks>
    public static async Task Start(WebApplication app, CancellationToken cancellationToken)
    {
        IsStarting = true;
        // The host hears signals only once its own services start.
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            app.Lifetime.StopApplication();
        });
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            app.Services.GetService<ServerCertificates>()?.Load();
            await app.StartAsync(cancellationToken);
        }
        catch (Exception) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Somebody wanted it to stop: that is no fault.
            Environment.Exit(0);
        }
        catch (Exception e) when ((CannotListen(e, app) ?? Sentence(e)) is { } sentence)
        {
            await System.Console.Error.WriteLineAsync($"fleetmdm: {sentence.Text}");
            Environment.Exit(sentence.ExitCode);
        }

        IsStarting = false;
        foreach (var name in FleetConfiguration.MisspelledVariables()) LogMisspelled(app.Logger, name);
        app.Services.GetService<ConnectionLimit>()?.Announce();
        app.Services.GetService<TrustedProxies>()?.Announce();
    }

    /// <summary>The system says why, but not where.</summary>
    private static (string Text, int ExitCode)? CannotListen(Exception exception, WebApplication app)
    {
        if (exception is not SocketException { SocketErrorCode: SocketError.AccessDenied or SocketError.AddressNotAvailable } socket) return null;
        var http = app.Services.GetRequiredService<IOptions<HttpOptions>>().Value;
        var addresses = string.Join(", ", new[] { http.Listen, http.AdminListen, http.RedirectListen }.OfType<string>());
        return (socket.SocketErrorCode == SocketError.AccessDenied
            ? $"The server may not listen on {addresses}: a port below 1024 needs a right. Choose a port from 1024 on, or give the service CAP_NET_BIND_SERVICE (AmbientCapabilities= of systemd)."
            : $"The server cannot listen on {addresses}: this machine does not have the address.", CannotRun);
    }

    /// <summary>"Failed to convert configuration value 'x' at 'Section:Key' to type 'Y'.", in words for people.</summary>
    private static string? WrongKind(string message)
    {
        var parts = message.Split('\'');
        if (parts.Length != 7 || !message.StartsWith("Failed to convert", StringComparison.Ordinal)) return null;
        var type = AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetType(parts[^2])).FirstOrDefault(found => found is not null);
        string? kind = type switch
        {
            { IsEnum: true } => string.Join(" or ", Enum.GetNames(type)),
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(int) || type == typeof(long) => "a whole number",
            _ when type == typeof(double) => "a number",
            _ => null,
        };
        return kind is null ? null : $"{parts[3]} must be {kind}, but is \"{parts[1]}\".";
    }

    /// <summary>Where a file of options is broken.</summary>
    private static string BrokenFile(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is not System.Text.Json.JsonException { LineNumber: { } line, BytePositionInLine: { } column } json) continue;
            var end = json.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            return $"line {line + 1}, byte {column + 1}: {(end < 0 ? json.Message : json.Message[..end])}";
        }

        return (exception.InnerException ?? exception).Message;
    }

    private static (string Text, int ExitCode)? Sentence(Exception exception) => exception switch
    {
        FleetStartException e => (e.Message, WrongUsage),
        StorageConfigurationException e => (e.Message, WrongUsage),
        OptionsValidationException e => (string.Join(" ", e.Failures), WrongUsage),

        // Raised by the binder for a value of the wrong kind.
        InvalidOperationException e when e.StackTrace?.Contains("ConfigurationBinder", StringComparison.Ordinal) == true =>
            (WrongKind(e.Message) ?? $"An option is wrong: {e.Message}{(e.InnerException is { } inner ? " " + inner.Message : "")}", WrongUsage),
        InvalidOperationException e when e.StackTrace?.Contains("LoggerFilterConfigureOptions", StringComparison.Ordinal) == true =>
            ($"An option of Logging is wrong: {e.Message} Levels are Trace, Debug, Information, Warning, Error, Critical and None.", WrongUsage),
        InvalidDataException or FormatException when exception.StackTrace?.Contains("Configuration", StringComparison.Ordinal) == true =>
            ($"appsettings.json cannot be read: {BrokenFile(exception)}", WrongUsage),

        StoreUnavailableException e => (e.Message, CannotRun),
        IOException { InnerException: AddressInUseException or SocketException } e => ($"The server cannot listen: {e.Message}", CannotRun),
        SocketException e => ($"The server cannot listen: {e.Message}.", CannotRun),
        UnauthorizedAccessException or IOException => (exception.Message, CannotRun),
        AggregateException { InnerExceptions: [var only] } => Sentence(only),
        { InnerException: { } inner } => Sentence(inner),
        _ => null,
    };

    [LoggerMessage(3221, LogLevel.Warning, "The variable {Name} of the environment is no option and was not read: options begin with FLEETMDM__, with two underscores.")]
    private static partial void LogMisspelled(ILogger logger, string name);
}
