#include "duckdb_adapter/connection/stream_query.h"

#include <unistd.h>

#include <cerrno>

#include "base/limits.h"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"

namespace smallpond {
namespace {

// What the two kinds of Arrow stream have in common. One consumer at a time uses a stream, as the
// interface asks.
class ResultStream {
 public:
  ResultStream(duckdb::shared_ptr<duckdb::ClientContext> context, const duckdb::QueryResult& result)
      : context_(std::move(context)),
        types_(result.types),
        names_(result.names),
        properties_(result.client_properties) {}
  virtual ~ResultStream() = default;

  /// Moves the next batch to `out`, or leaves it released at the end.
  virtual void Next(ArrowArray* out) = 0;

  static void HandOut(std::unique_ptr<ResultStream> stream, ArrowArrayStream* out) {
    out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
      return Guarded(self, [&](ResultStream& stream) {
        duckdb::ArrowConverter::ToArrowSchema(schema, stream.types_, stream.names_,
                                              stream.properties_);
      });
    };
    out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
      array->release = nullptr;
      return Guarded(self, [&](ResultStream& stream) { stream.Next(array); });
    };
    out->get_last_error = [](ArrowArrayStream* self) { return Of(self).last_error_.c_str(); };
    out->release = [](ArrowArrayStream* self) {
      // The threads that its end waits for are not in a process that was forked.
      if (getpid() == Of(self).owner_pid_) delete &Of(self);
      self->release = nullptr;
    };
    out->private_data = stream.release();
  }

 protected:
  duckdb::shared_ptr<duckdb::ClientContext>
      context_;  // Shared with the connection; the properties point into it.
  duckdb::vector<duckdb::LogicalType> types_;
  duckdb::vector<std::string> names_;
  duckdb::ClientProperties properties_;

 private:
  static ResultStream& Of(ArrowArrayStream* self) {
    return *static_cast<ResultStream*>(self->private_data);
  }

  template <class Work>
  static int Guarded(ArrowArrayStream* self, Work&& work) {
    ResultStream& stream = Of(self);
    try {
      TranslatingErrors([&] { work(stream); });
      return 0;
    } catch (const Error& error) {
      stream.last_error_ = error.what();
      return error.kind() == ErrorKind::kCancelled ? ECANCELED : EIO;
    }
  }

  const pid_t owner_pid_ = getpid();
  std::string last_error_;
};

class CollectedStream : public ResultStream {
 public:
  CollectedStream(duckdb::shared_ptr<duckdb::ClientContext> context,
                  duckdb::ArrowQueryResult& result)
      : ResultStream(std::move(context), result), arrays_(result.ConsumeArrays()) {}

  void Next(ArrowArray* out) override {
    if (next_ == arrays_.size()) return;
    auto& array = arrays_[next_++]->arrow_array;
    *out = array;
    array.release = nullptr;
  }

 private:
  duckdb::vector<duckdb::unique_ptr<duckdb::ArrowArrayWrapper>> arrays_;
  size_t next_ = 0;
};

// Takes down why a stream's query failed. Where a thread of DuckDB's pool fails while nobody reads,
// the reader only gets "Interrupted!", and the executor that knows the reason is gone by then. A
// progress bar's display is the one thing that ends with the query while its executor still lives.
class LastWords : public duckdb::ProgressBarDisplay {
 public:
  LastWords(duckdb::weak_ptr<duckdb::ClientContext> context,
            std::shared_ptr<duckdb::ErrorData> cause)
      : context_(std::move(context)), cause_(std::move(cause)) {}
  ~LastWords() override {
    auto context = context_.lock();
    if (context && context->GetExecutor().HasError()) *cause_ = context->GetExecutor().GetError();
  }

  void Update(double) override {}
  void Finish() override {}

 private:
  duckdb::weak_ptr<duckdb::ClientContext> context_;
  std::shared_ptr<duckdb::ErrorData> cause_;  // Shared with the stream.
};

class RunningStream : public ResultStream {
 public:
  RunningStream(std::shared_ptr<Connection> connection,
                duckdb::unique_ptr<duckdb::QueryResult> result,
                std::shared_ptr<duckdb::ErrorData> cause, StreamCalls calls)
      : ResultStream(connection->handle().connection.context, *result),
        calls_(std::move(calls)),
        cause_(std::move(cause)),
        connection_(std::move(connection)),
        result_(std::move(result)),
        scan_(*result_),
        extension_types_(duckdb::ArrowTypeExtensionData::GetExtensionTypes(*context_, types_)) {}

  ~RunningStream() override {
    connection_->Interrupt();
  }  // A consumer may drop the stream half-read.

  void Next(ArrowArray* out) override {
    try {
      if (FetchRows(out)) return;
    } catch (const Error& error) {
      throw calls_.explain(error);
    }
    if (out->release) out->release(out);
    calls_.at_end();
  }

 private:
  // Returns whether there were any more.
  bool FetchRows(ArrowArray* out) {
    duckdb::idx_t rows = 0;
    duckdb::ErrorData error;
    if (!duckdb::ArrowUtil::TryFetchChunk(scan_, properties_, kArrowBatchRows, out, rows, error,
                                          extension_types_)) {
      bool lost = error.Type() == duckdb::ExceptionType::INTERRUPT && cause_->HasError();
      ThrowAsOurs(lost ? *cause_ : error);
    }
    return rows > 0;
  }

  // In the order of construction: the result reads from what stands above it.
  StreamCalls calls_;
  std::shared_ptr<duckdb::ErrorData>
      cause_;  // Shared with LastWords; without error, none is known.
  std::shared_ptr<Connection> connection_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  duckdb::QueryResultChunkScanState scan_;
  duckdb::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>>
      extension_types_;
};

}  // namespace

void Connection::Collect(Statement query, ArrowArrayStream* out) {
  TranslatingErrors([&] { handle_->RunPreparation(query); });
  // The collector is a setting of the connection; it must not outlive this query.
  duckdb::ScopedConfigSetting collector(
      handle_->context().config,
      [](duckdb::ClientConfig& config) {
        config.get_result_collector = [](duckdb::ClientContext& context,
                                         duckdb::PreparedStatementData& data) {
          return duckdb::PhysicalArrowCollector::Create(context, data, kArrowBatchRows);
        };
      },
      [](duckdb::ClientConfig& config) { config.get_result_collector = nullptr; });
  auto result = handle_->Run(std::move(query));
  ResultStream::HandOut(std::make_unique<CollectedStream>(handle_->connection.context,
                                                          result->Cast<duckdb::ArrowQueryResult>()),
                        out);
}

void StreamQuery(std::shared_ptr<Connection> connection, Statement query, StreamCalls calls,
                 ArrowArrayStream* out) {
  auto& context = connection->handle().connection.context;
  auto cause = std::make_shared<duckdb::ErrorData>();
  duckdb::ScopedConfigSetting display(
      context->config,
      [&](duckdb::ClientConfig& config) {
        config.print_progress_bar = true;  // By LastWords, which prints nothing.
        config.display_create_func = [context = duckdb::weak_ptr<duckdb::ClientContext>(context),
                                      cause]() -> duckdb::unique_ptr<duckdb::ProgressBarDisplay> {
          return duckdb::make_uniq<LastWords>(context, cause);
        };
      },
      [](duckdb::ClientConfig& config) {
        config.print_progress_bar = false;
        config.display_create_func = nullptr;
      });
  auto result = connection->handle().Run(std::move(query), true);
  ResultStream::HandOut(std::make_unique<RunningStream>(std::move(connection), std::move(result),
                                                        std::move(cause), std::move(calls)),
                        out);
}

}  // namespace smallpond
