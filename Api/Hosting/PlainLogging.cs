using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FleetMdm.Api.Hosting;

/// <summary>
/// The one place where lines of the log are made plain: whatever an iPad or a caller put into a name, it can begin no line of its own, move no cursor and
/// turn no text around. Every logger of the process goes through it, whoever wrote the message.
/// </summary>
internal static class PlainLogging
{
    public static void AddPlainLogging(this IServiceCollection services)
    {
        services.AddSingleton<LoggerFactory>();
        services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(provider => new Factory(provider.GetRequiredService<LoggerFactory>())));
    }

    /// <summary>The text with what is not plain written as <c>\u202E</c>; line ends and tabs become blanks. The same object when there is nothing of it.</summary>
    public static string Plain(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsPlain(text, i)) return Rewrite(text);
        }

        return text;
    }

    private static string Rewrite(string text)
    {
        var plain = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (IsPlain(text, i)) plain.Append(text[i]);
            else if (text[i] is '\n' or '\r' or '\t') plain.Append(' ');
            else plain.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:X4}");
        }

        return plain.ToString();
    }

    /// <summary>No control character (C0, DEL, C1), no line separator, nothing that changes the direction of text (Unicode, UAX #9), no half character.</summary>
    private static bool IsPlain(string text, int at)
    {
        var c = text[at];
        if (c < 0x7F) return c >= ' ';
        if (char.IsHighSurrogate(c)) return at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
        if (char.IsLowSurrogate(c)) return at > 0 && char.IsHighSurrogate(text[at - 1]);
        return !char.IsControl(c)
            && c is not ('\u061C' or '\u200E' or '\u200F' or '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\uFEFF');
    }

    private sealed class Factory(LoggerFactory inner) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new Logger(inner.CreateLogger(categoryName));

        public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

        public void Dispose() => inner.Dispose();
    }

    private sealed class Logger(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (inner.IsEnabled(logLevel))
                inner.Log(logLevel, eventId, state, exception is null ? null : Plain(exception), (given, _) => PlainLogging.Plain(formatter(given, exception)));
        }

        private static Exception Plain(Exception exception)
        {
            var text = exception.ToString();
            // Its own line ends stay: the formatter folds them, or a collector wants them.
            var plain = string.Join(Environment.NewLine, text.ReplaceLineEndings("\n").Split('\n').Select(PlainLogging.Plain));
            return plain.Length == text.Length ? exception : new Rewritten(plain);
        }
    }

    /// <summary>An exception's whole text, made plain.</summary>
    private sealed class Rewritten(string text) : Exception(text)
    {
        public override string ToString() => Message;
    }
}
