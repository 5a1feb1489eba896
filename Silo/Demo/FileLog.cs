using System.Globalization;

namespace FleetMdm.Silo.Demo;

/// <summary>The server's log in a file, since the screen belongs to the demo. Written line by line under a lock; not for production.</summary>
internal sealed class FileLog(string path, TimeProvider time) : ILoggerProvider
{
    private readonly StreamWriter _writer = new(path, append: true) { AutoFlush = true };
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose()
    {
        lock (_lock)
            _writer.Dispose();
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            // The host logs while it is torn down, after its providers are gone.
            if (_writer.BaseStream is { CanWrite: true })
                _writer.WriteLine(line);
        }
    }

    private sealed class Category(FileLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Write(string.Create(CultureInfo.InvariantCulture,
                $"{log.Now.UtcDateTime:O} {logLevel} {name}[{eventId.Id}] {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}"));
    }

    private DateTimeOffset Now => time.GetUtcNow();
}
